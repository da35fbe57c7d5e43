"""Whether this installation is well, and how it becomes so."""

import click

from hexad.commands.group import FAILED
from hexad.commands.settings import given

_NO_OWNER = "HEXAD_OWNER_URL is needed next to HEXAD_DATABASE_URL: the role that owns the tables"


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of a table.")
def doctor(as_json: bool) -> None:
    """Check every part, say how to mend it."""
    import msgspec

    from hexad import terminal
    from hexad.doctor import examine, settings_in_force
    from hexad.embedded import located

    settings = given(embedded=False)
    if as_json:
        report = examine(settings, located(settings))
        click.echo(msgspec.json.format(msgspec.json.encode(report)))
    else:
        terminal.show_settings(settings_in_force(settings))
        report = examine(settings, located(settings), terminal.show_finding)
    raise click.exceptions.Exit(FAILED if report.failed else 0)


@click.command("migrate")
def migrate() -> None:
    """Bring the database to the schema of this version."""
    import asyncio

    from hexad.embedded import served
    from kernel.errors import Misconfigured
    from kernel.schema.migrate import migrate
    from workers.roster import enrol

    with served(given(embedded=False), click.echo, leave=True) as settings:
        if not settings.owner_url:
            raise Misconfigured(_NO_OWNER)
        done = asyncio.run(migrate(settings.owner_url, settings, click.echo))
        asyncio.run(enrol(settings.owner_url))
    click.echo(f"{done} migrations applied" if done else "the database is up to date")


@click.command("restored")
@click.option("--reason", required=True, help="What happened; it is kept.")
def restored(reason: str) -> None:
    """Say that the database was put back to an earlier state.

    Phones then begin afresh instead of trusting what the database has forgotten. A recovery by PostgreSQL itself and a
    dump that is loaded are noticed without this; a copy of the data folder put back is not.
    """
    import asyncio

    from hexad.embedded import served
    from kernel.errors import Misconfigured
    from kernel.store.lineage import restored

    with served(given(embedded=False), click.echo, leave=True) as settings:
        if not settings.owner_url:
            raise Misconfigured(_NO_OWNER)
        asyncio.run(restored(settings.owner_url, reason))
    click.echo("phones begin afresh: restart the processes that ran meanwhile")
