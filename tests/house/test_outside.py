"""Whoever speaks to somebody outside says so first, and an open transaction refuses it; who may hold rows is here."""

import re
from pathlib import Path

from tests.house.test_files import ROOT, tracked

SERVING = ("api", "centers", "identity", "kernel", "notifications", "realtime", "workers")
"""Those that have transactions; what `hexad` and `bench` ask, they ask as anybody would."""

_CLIENT = re.compile(r"^(?:import|from) (?:httpx2|aiosmtplib|redis\.asyncio|aiormq)\b(?!\.)", re.MULTILINE)
_SPEAKS = re.compile(r"\.stream\(|\.request\(|SMTP\(|Redis\.from_url\(|aiormq\.Connection\(")
HOLDERS = {
    "notifications/broadcast/dispatch.py": "whoever opts out waits until what was claimed before is published or not:"
    " else a message could leave after the opt-out was committed, on either broker; it waits `HELD_SECONDS` at most",
}
"""What holds rows while the broker answers, and why it must."""


def silent(root: Path, paths: list[Path]) -> list[str]:
    """Modules that open a connection to somebody outside and do not say so."""
    return [
        str(path.relative_to(root))
        for path in paths
        if _CLIENT.search(source := path.read_text()) and _SPEAKS.search(source) and "outside.call(" not in source
    ]


def holders(root: Path, paths: list[Path]) -> set[str]:
    """Modules that hold rows while somebody outside answers."""
    return {str(path.relative_to(root)) for path in paths if "outside.held(" in path.read_text()}


def modules() -> list[Path]:
    return [path for path in tracked(".py") if path.relative_to(ROOT).parts[0] in SERVING]


def test_every_client_says_whom_it_calls() -> None:
    assert silent(ROOT, modules()) == []


def test_only_those_hold_rows_who_must() -> None:
    assert holders(ROOT, modules()) == HOLDERS.keys()


def test_a_client_that_says_nothing_and_a_holder_are_found(tmp_path: Path) -> None:
    client = tmp_path / "client.py"
    client.write_text("import httpx2\n\nasync def ask(c):\n    return await c.stream('GET', '/')\n")
    assert silent(tmp_path, [client]) == ["client.py"]
    client.write_text(client.read_text() + "\noutside.call('somebody')\nwith outside.held('no reason'): ...\n")
    assert silent(tmp_path, [client]) == []
    assert holders(tmp_path, [client]) == {"client.py"}
