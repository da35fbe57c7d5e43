"""The database: who we are in it, its schema, and what stands in it that should be gone by now."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hexad.checks.finding import Finding, fail, graded, ok, warn
from kernel.audit.anchor import anchor
from kernel.calendar.days import BEIJING
from kernel.schema import retention
from kernel.schema.migrate import applied, migrations
from kernel.settings import Settings
from kernel.store import lineage
from kernel.store.database import Tx
from kernel.store.sql import load

_sql = load(Path(__file__).with_name("store.sql"))
_PROBE_SCHEDULE = "probe"
_LATE_SECONDS = 150.0


async def examine(tx: Tx, settings: Settings) -> AsyncIterator[Finding]:
    """Looks at everything that the app role may read; stops after the schema when that is not current."""
    yield _role(role := await _sql.role(tx))
    yield _clock(role)
    behind = len(migrations()) - await applied(tx)
    yield _migrations(behind)
    if behind:
        return
    yield await _sealed(tx, settings)
    yield await _row_security(tx)
    yield await _backlog(tx)
    yield await _jobs(tx)
    yield await _workers(tx, settings)
    yield await _schedule(tx)
    yield await _seals(tx, settings)
    yield await _messages(tx)
    yield await _months(tx)


def _role(role: Any) -> Finding:
    version = " ".join(role["version"].split()[:2])
    if role["above_the_law"] or role["owned"]:
        why = "is above row-level security" if role["above_the_law"] else f"owns {role['owned']} relations"
        return fail("database", f"{version}, and the app's role {role['name']} {why}",
                    "connect as a role made by hexad/bootstrap.sql")  # fmt: skip
    return ok("database", f"{version}, as {role['name']}, which owns nothing")


def _clock(role: Any) -> Finding:
    skew = abs(time.time() - role["now"])
    return graded(
        "clock", skew, f"{skew:.2f} s from the database's", "run a time service (NTP) on both", warns=1, fails=10
    )


def _migrations(behind: int) -> Finding:
    if behind > 0:
        return fail("schema", f"{behind} migrations are missing", "run `hexad migrate`")
    if behind < 0:
        return warn("schema", f"{-behind} migrations ahead of this version", "install the version that made them")
    return ok("schema", f"at migration {len(migrations())}, the newest")


async def _sealed(tx: Tx, settings: Settings) -> Finding:
    """What was sealed with a key that is not given any more cannot be opened."""
    missing = sorted(name for kind, name in await lineage.known(tx) if (kind, name) not in lineage.marks(settings))
    if missing := [name for name in missing if name]:
        mend = (
            "put them back behind the current one, or delete their rows in `key_mark` when nothing is sealed with them"
        )
        return warn("sealed", f"HEXAD_FIELD_KEYS lacks {', '.join(missing)}, with which fields were sealed", mend)
    return ok("sealed", "the keys are those with which this database was sealed")


async def _row_security(tx: Tx) -> Finding:
    if unforced := [row[0] for row in await _sql.unforced(tx)]:
        return fail(
            "row security", f"not forced on {', '.join(unforced)}", "run `hexad migrate`, or restore the backup"
        )
    return ok("row security", f"forced on {await _sql.forced(tx)} tables")


async def _backlog(tx: Tx) -> Finding:
    row = await _sql.backlog(tx)
    says = f"{row['due']} events are due, the oldest for {row['age']:.0f} s"
    return graded("outbox", row["age"], says, "start the relay (`hexad relay`), look at its log", warns=10, fails=120)


async def _jobs(tx: Tx) -> Finding:
    rows = await _sql.set_aside(tx)
    if not rows:
        return ok("jobs", "none is set aside")
    shown = ", ".join(f"{row['event_id']}/{row['handler']}" for row in rows)
    mend = "GET /v1/staff/jobs?state=set_aside says why; POST /v1/staff/jobs/<event>/<handler>/retry tries again"
    return warn("jobs", f"{rows[0]['total']} set aside, the newest: {shown}", mend)


async def _workers(tx: Tx, settings: Settings) -> Finding:
    row = await _sql.workers(tx, silence=settings.worker_silence)
    says = f"{row['living']} children work" + (f", {row['silent']} are silent" if row["silent"] else "")
    return ok("workers", says) if row["living"] else fail("workers", says, "start a worker: `hexad work`")


async def _schedule(tx: Tx) -> Finding:
    return punctual(await _sql.occurrences(tx), await _sql.running(tx))


def punctual(rows: Sequence[Mapping[str, Any]], running: float) -> Finding:
    """Whether the probe came lately; beat cannot have started it while PostgreSQL, which runs for so long, did not."""
    when = ", ".join(f"{row['name']} {row['due_at'].astimezone(BEIJING):%Y-%m-%d %H:%M}" for row in rows)
    says = f"{when} in Beijing" if when else "nothing has run yet"
    age = min(running, next((row["age"] for row in rows if row["name"] == _PROBE_SCHEDULE), _LATE_SECONDS))
    return graded("schedules", age, f"last: {says}", "start the beat (`hexad beat`), look at its log",
                  warns=_LATE_SECONDS, fails=4 * _LATE_SECONDS)  # fmt: skip


async def _seals(tx: Tx, settings: Settings) -> Finding:
    row = await _sql.seals(tx)
    file = anchor(settings)
    last = file.last()
    if last and (not last.intact or await _sql.hash_at(tx, position=last.position) != last.hash):
        return fail(
            "audit", f"the chain is not the one that {file.path} remembers", "run `hexad audit verify`, tell compliance"
        )
    sealed, anchored = row["position"] or 0, last.position if last else 0
    says = f"sealed up to position {sealed}, {row['lag']:.0f} s behind, anchored up to {anchored}"
    return graded("audit", row["lag"], says, "start the relay (`hexad relay`), look at its log", warns=10, fails=120)


async def _messages(tx: Tx) -> Finding:
    rows = await _sql.unsendable(tx)
    if not rows:
        return ok("messages", "every message of this week's broadcasts could be read and made")
    shown = ", ".join(f"{row['messages']} {row['reason']} of {row['broadcast_id']}" for row in rows[:5])
    more = f", and of {len(rows) - 5} more broadcasts" if len(rows) > 5 else ""
    mend = "the relay's log names each message: what is sealed does not open with HEXAD_FIELD_KEYS, or was altered"
    return warn("messages", f"failed this week: {shown}{more}", mend)


async def _months(tx: Tx) -> Finding:
    tables = retention.in_months()
    rows = await _sql.months(tx, tables=tables, windows=[retention.window(table) for table in tables])
    if missing := [f"{row['name']} {month}" for row in rows for month in row["missing"]]:
        mend = "run `hexad migrate`, which takes them over; look into the worker's log for `month_missing`"
        return warn("months", f"what belongs to {', '.join(missing)} lies in the default partition", mend)
    says = f"made up to {min(row['last'] for row in rows)}"
    if outlived := [f"{row['name']} {row['outlived'][0]} to {row['outlived'][-1]}" for row in rows if row["outlived"]]:
        says += f"; older than their window and kept, as the lake does not exist yet: {', '.join(outlived)}"
    return ok("months", says)
