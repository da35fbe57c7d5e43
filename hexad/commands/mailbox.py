"""What the simulators were given to send, for a person or a script to look up."""

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
import msgspec

from hexad.commands.group import FAILED

if TYPE_CHECKING:
    from hexad.simulators.mailbox import Letter

_LOOK_SECONDS = 0.1
_TIMES = ["%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%S%z"]


@click.command("mailbox")
@click.option("--to", default="", help="Only what went to this number or address, or a part of it.")
@click.option(
    "--after",
    type=click.DateTime(_TIMES),
    help="Only what came at this time or later, such as 2026-11-25T10:00:00+0800.",
)
@click.option("--wait", default=0.0, type=click.FloatRange(0, 3600), help="Seconds to wait until there is something.")
@click.option("--limit", default=20, type=click.IntRange(1, 1000), help="How many.")
@click.option("--json", "as_json", is_flag=True, help="Everything about each, headers and HTML too, as a JSON array.")
def mailbox(to: str, after: datetime | None, wait: float, limit: int, as_json: bool) -> None:
    """Look up what the simulated gateways took, the newest first.

    Exit code 1 when there is nothing.
    """
    from hexad import keys
    from hexad.simulators.mailbox import Mailbox

    box, until = Mailbox(keys.folder()), time.monotonic() + wait

    def look() -> list["Letter"]:
        since = after or datetime.min.replace(tzinfo=UTC)
        return [letter for letter in box.newest(limit, to) if letter.at >= since]

    while not (found := look()) and time.monotonic() < until:
        time.sleep(_LOOK_SECONDS)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found)))
    for letter in found if not as_json else ():
        click.echo(_shown(letter))
    if not found:
        click.echo("there is nothing", err=True)
        raise click.exceptions.Exit(FAILED)


def _shown(letter: "Letter") -> str:
    """One letter for a person: the head, what ends such letters, and the text."""
    from hexad.terminal import plain

    lists = [f"  {name}: {value}" for name, value in letter.headers.items() if name.startswith("List-")]
    head = f"{letter.when}  {letter.channel}  {letter.sender} -> {letter.to}  {letter.subject}"
    return plain("\n".join([head, *lists, *(f"  {line}" for line in letter.text.splitlines())]))
