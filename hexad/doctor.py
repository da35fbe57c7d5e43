"""`hexad doctor`: looks at every part and says how it is, and how to mend what is not well."""

import asyncio
import os
from collections.abc import Callable

import asyncpg
from msgspec import Struct

from hexad import keys, leftovers
from hexad.checks import flow, host, store
from hexad.checks.finding import Finding, Source, Value, fail
from kernel import settings as setting
from kernel.errors import HexadError, Misconfigured
from kernel.settings import PREFIX, Settings
from kernel.store.database import Database
from kernel.store.lineage import instance


class Report(Struct):
    """Everything that was found."""

    settings: list[Value]
    findings: list[Finding]

    @property
    def failed(self) -> bool:
        """Whether anything does not work."""
        return any(finding.state == "fail" for finding in self.findings)


def settings_in_force(given: Settings) -> list[Value]:
    """Every setting with its value and where that comes from."""
    file = keys.file(keys.folder())
    made = file.read_text() if file.is_file() else ""

    def source(name: str) -> Source:
        if name in os.environ:
            return "environment"
        return "keys.env" if f"\n{name}=" in made else "default"

    return [Value(name, value, source(name)) for name, value in setting.shown(given).items()]


def examine(given: Settings, connected: Settings, say: Callable[[Finding], None] = lambda finding: None) -> Report:
    """Looks at everything in turn and tells `say` at once.

    `given` are the settings as they were set, `connected` those with the address of the database in them.
    """
    report = Report(settings_in_force(given), [])

    def note(finding: Finding) -> None:
        report.findings.append(finding)
        say(finding)

    asyncio.run(_examine(connected, note, all_here=given.embedded and not given.broker_url))
    return report


async def _examine(settings: Settings, note: Callable[[Finding], None], *, all_here: bool) -> None:
    for finding in host.examine(settings, all_here=all_here):
        note(finding)
    ours = await instance(settings.database_url)
    async for finding in flow.examine_processes(settings, ours, all_here=all_here):
        note(finding)
    try:
        database = await Database.open(settings.database_url, settings, size=2)
    except Misconfigured as error:
        note(fail("database", error.detail, "as said; nothing works with it before"))
        return
    except HexadError as error:
        note(fail("database", error.detail, _database_mend(settings, all_here=all_here)))
        return
    try:
        await _examine_data(settings, database, note)
    except HexadError as error:
        note(fail("database", error.detail or error.title, "look at its log"))
    except asyncpg.PostgresError as error:
        note(fail("database", f"refused a check: {error}", "run `hexad migrate`, which renews all grants"))
    finally:
        await database.close()


def _database_mend(settings: Settings, *, all_here: bool) -> str:
    if not all_here:
        return f"start it, or correct {PREFIX}DATABASE_URL"
    if not leftovers.held(settings.var):
        return "start everything with `hexad up`"
    return (
        "`hexad up` runs here and starts PostgreSQL again within a minute; if it does not, stop it, read"
        f" {settings.var / 'postgres' / 'data' / 'log'}, and run it again"
    )


async def _examine_data(settings: Settings, database: Database, note: Callable[[Finding], None]) -> None:
    async with database.transaction() as tx:
        async for finding in store.examine(tx, settings):
            note(finding)
            if finding.part == "schema" and finding.state == "fail":
                return
    note(await flow.examine_broker(settings))
    note(await flow.examine_bus(settings))
    note(await flow.examine_pipeline(database))
