"""The story as a command: it explains itself, and says in one sentence what it needs."""

from pathlib import Path

from tests.hexad.test_main import run


def test_it_explains_what_it_does_and_needs() -> None:
    shown = run("tour", "--help").stdout
    assert "hexad up" in shown
    assert "--json" in shown
    assert "Exit code 1 when something is not as promised" in shown


def test_without_a_system_it_says_what_to_run(tmp_path: Path) -> None:
    refused = run("tour", HEXAD_VAR=str(tmp_path), HEXAD_API_PORT="1", HEXAD_RELAY_PORT="1")
    assert refused.returncode == 1
    assert refused.stderr.startswith("hexad: api is not answering at 127.0.0.1:1")
    assert refused.stderr.endswith("start everything with `hexad up`, in the same environment\n")
    assert refused.stderr.count("\n") == 1
