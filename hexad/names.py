"""Names that outlive a process: rows, messages, clients and operators bear them, so they are strings, not identifiers.

`python -m hexad.names docs/released` writes those of this version beside the released documents; a test holds later
versions to them: a name may come, none may go without a migration and a line in the changelog.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from hexad.main import hexad
from kernel import errors
from kernel.errors import HexadError
from kernel.queues import QUEUES
from kernel.settings import Settings
from kernel.settings.all import shown
from workers import handlers  # noqa: F401 - registers every handler
from workers.runtime.registry import KINDS, every
from workers.runtime.schedule import SCHEDULES

FILE = "names.json"


def names() -> dict[str, list[str]]:
    """Every such name of this version, by what it names."""
    found = {
        "commands": [*_commands(hexad, "")],
        "errors": {one.code for one in vars(errors).values() if isinstance(one, type) and issubclass(one, HexadError)},
        "events": {*KINDS},
        "handlers": {handler.name for handler in every()},
        "queues": {queue.name for queue in QUEUES},
        "schedules": {schedule.name for schedule in SCHEDULES},
        "settings": {*shown(Settings())},
    }
    return {what: sorted(ones) for what, ones in found.items()}


def gone(before: dict[str, list[str]], now: dict[str, list[str]]) -> list[str]:
    """What was released and is no more, each with what it names."""
    return [f"{what}: {one}" for what, ones in before.items() for one in ones if one not in now.get(what, [])]


def _commands(command: click.Command, above: str) -> Iterator[str]:
    for name, one in getattr(command, "commands", {}).items():
        yield f"{above}{name}"
        yield from _commands(one, f"{above}{name} ")


if __name__ == "__main__":
    (Path(sys.argv[1]) / FILE).write_bytes(msgspec.json.format(msgspec.json.encode(names())) + b"\n")
