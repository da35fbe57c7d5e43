"""The README is followed word by word on a newcomer's machine: a clean copy, an own HOME, no uv, no caches."""

import re
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.delivery.clone import Clone
from tests.hexad.running import Up, own_environment
from tests.house.test_files import ROOT

pytestmark = [pytest.mark.xdist_group("readme"), pytest.mark.timeout(900)]

BLOCKS = re.findall(r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
COMMANDS, *FOLLOWING = BLOCKS


def documented(start: str) -> list[str]:
    """Lines of the README's first block that begin so, comments taken off."""
    return [line.partition(" #")[0].strip() for line in COMMANDS.splitlines() if line.startswith(start)]


@pytest.fixture(scope="module")
def clone() -> Iterator[Clone]:
    with tempfile.TemporaryDirectory(prefix="hexad-") as folder:
        yield Clone(Path(folder))


def start(clone: Clone, name: str, ports: dict[str, str]) -> Up:
    """The README's first command; the ports are ours, since others may run on this machine."""
    environment = clone.environment | ports | {"HEXAD_VAR": str(clone.folder / "var")}
    return Up(environment, clone.folder.parent / name, shlex.split(documented("make run")[0]), cwd=clone.folder)


def test_the_readme_shows_the_two_commands() -> None:
    assert documented("make run") == ["make run"]
    assert documented("make test") == ["make test"]


def test_make_run_starts_everything_and_a_second_time_with_its_data(clone: Clone) -> None:
    ports = {k: v for k, v in own_environment(Path("var")).items() if k.startswith("HEXAD_") and k.endswith("_PORT")}
    first = start(clone, "first", ports)
    try:
        first.wait(lambda: "Hexad is ready" in first.said or first.process.poll() is not None, 600)
        first.wait_ready()
        followed = follow("\n".join(FOLLOWING), clone, first)
        assert followed.returncode == 0, followed.stdout + followed.stderr
        assert first.stop(signal.SIGINT) == -signal.SIGINT, "make itself ends by the signal"
        assert first.processes() == []
        assert "Traceback" not in first.said
        assert "Error" not in first.said

        second = start(clone, "second", ports)
        try:
            second.wait_ready()
            assert "migration 0001" in first.said
            assert "migration 0001" not in second.said, "the data should still be there"
            second.stop(signal.SIGINT)
            assert second.processes() == []
        finally:
            second.kill_everything()
    finally:
        first.kill_everything()


def follow(script: str, clone: Clone, up: Up) -> subprocess.CompletedProcess[str]:
    """Runs what the README says to do in a second terminal, at this system's port; any refusal ends it."""
    at_our_port = script.replace("127.0.0.1:8000", f"127.0.0.1:{up.environment['HEXAD_API_PORT']}")
    strict = re.sub(r"^curl ", "curl --fail-with-body --silent --show-error ", at_our_port, flags=re.MULTILINE)
    return subprocess.run(
        ["/bin/sh", "-e", "-c", strict], env=up.environment, cwd=clone.folder, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip


def test_make_test_runs_the_suite(clone: Clone) -> None:
    command = documented("make test")[0]
    ran = clone.run(*shlex.split(command), "ARGS=tests/kernel/schema/test_migrate.py --no-cov")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r"\d+ passed", ran.stdout.splitlines()[-1])


def test_make_test_fails_when_a_test_fails(clone: Clone) -> None:
    (clone.folder / "tests" / "test_wrong.py").write_text("def test_wrong() -> None:\n    assert 1 == 2\n")
    ran = clone.run("make", "test", "ARGS=tests/test_wrong.py --no-cov")
    assert ran.returncode != 0
    assert "1 failed" in ran.stdout


def test_ci_stops_at_the_first_fault(clone: Clone) -> None:
    (clone.folder / "kernel" / "wrong.py").write_text("import os\n")
    ran = clone.run(".ci/run")
    assert ran.returncode != 0
    assert "F401" in ran.stdout
    assert "passed" not in ran.stdout
