"""What the commands show: tables, findings, progress with rate and time left, the last only on a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hexad.checks.finding import Finding, Value

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def show_settings(values: list[Value]) -> None:
    """Name, value and source of each setting, aligned."""
    names, contents = (max(len(getattr(value, field)) for value in values) for field in ("name", "value"))
    for one in values:
        shown = one.value or "(empty)"
        click.echo(f"{one.name:{names}}  {shown:{min(contents, 40)}}  {one.source}")
    click.echo()


def show_finding(finding: Finding) -> None:
    """One line, and under it how to mend it."""
    click.echo(f"{click.style(f'{finding.state:4}', fg=_COLOURS[finding.state])}  {finding.part:12}  {finding.says}")
    if finding.mend and finding.state != "ok":
        click.echo(f"{'':20}to mend: {finding.mend}")


def plain(text: str) -> str:
    """What strangers wrote, without that which a terminal would obey instead of showing it."""
    return "".join(one for one in text if one == "\n" or one.isprintable())


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Gives a function that is told how many are done and how many there are in all."""
    console = Console(stderr=True)
    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None, rate="")

        def tell(done: int, total: int) -> None:
            speed = bar.tasks[task].speed
            bar.update(task, completed=done, total=total, rate=f"{speed:,.0f}/s" if speed else "")

        yield tell
