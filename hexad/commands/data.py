"""Deliveries: loading them, and making them up."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from hexad.commands.group import FAILED
from hexad.commands.settings import given


@click.command("ingest")
@click.argument("folder", type=click.Path(path_type=Path))
def ingest(folder: Path) -> None:
    """Load what source systems delivered.

    FOLDER is a delivery (<YYYY-MM-DD>/<source>), a day with all its sources, or a root with all days. A delivery
    is loaded whole or not at all; a bad one is reported with its first 100 faults, and the exit code is 1 then.
    """
    import asyncio

    from hexad.embedded import served
    from hexad.terminal import progress
    from workers.collection.ingest import ingest

    with (
        served(given(embedded=False, makes_keys=True), lambda _: None, leave=True) as settings,
        progress("rows") as tell,
    ):
        try:
            good = asyncio.run(ingest(settings, folder, click.echo, tell))
        except KeyboardInterrupt:
            click.echo("hexad: interrupted: nothing of the day under way is loaded; run it again", err=True)
            raise
    if not good:
        raise click.exceptions.Exit(FAILED)


@click.command("demo")
@click.option("--customers", default=30_000, type=click.IntRange(1, 10_000_000), help="How many, on the last day.")
@click.option("--days", default=1, type=click.IntRange(1, 250), help="Trading days, the last of them UNTIL.")
@click.option("--seed", default=1, type=click.IntRange(0, 2**32), help="Another seed, another brokerage.")
@click.option("--until", default="2026-11-20", type=click.DateTime(["%Y-%m-%d"]), help="The last day.")
@click.option("--format", "form", type=click.Choice(["csv", "csv.gz", "parquet"]), help="Of every file.")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="The folder to write.")
def demo(customers: int, days: int, seed: int, until: datetime, form: Any, out: Path) -> None:
    """Write deliveries of a made-up brokerage.

    The same arguments give the same bytes. Without --format what is big is Parquet, the rest CSV.
    """
    from hexad.demo.brokerage import made_up
    from hexad.demo.write import write
    from hexad.terminal import progress

    with progress("customers") as tell:
        for folder in write(made_up(customers, days, seed, until.date()), out, form, tell):
            click.echo(folder)


@click.command("demo-people")
def demo_people() -> None:
    """Make sign-ins for a made-up brokerage.

    Everybody without a role gets the one that their position names; one of each gets a random password and, for staff,
    the key of an authenticator. Only in the embedded database, after `hexad demo` and `hexad ingest`.
    """
    import asyncio

    from hexad.demo.sign_ins import SignIn, make

    embedded = given(embedded=False).embedded
    heading = SignIn("role", "sign in as", "password", "authenticator key")
    made = asyncio.run(make(given(), embedded=embedded))
    width = max(len(one.password) for one in made)
    for one in [heading, *made]:
        click.echo(f"{one.role:24} {one.subject:12} {one.password:{width}}  {one.authenticator}".rstrip())
