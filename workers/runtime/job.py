"""The job protocol: whatever happens to processes, a job's effect happens once, or the job is set aside and shown.

Claiming is committed before the effect, so that a try that kills its process is counted. The effect's transaction
begins by marking the job done: the row lock and `state <> 'done'` keep a second delivery from doing it again. A job
whose row is gone (a crash of PostgreSQL took the claim back) is not done: it is claimed again.

A handler that sends things out of the house has no transaction around it. It is marked done after it, and no other
worker takes the job while the one that has it lives, or until its claim is over (`claim_seconds`, kept in the row).
"""

import asyncio
import time
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import asyncpg
import msgspec

from kernel.errors import Unavailable
from kernel.process.apart import AWAY_FOR_ALL
from kernel.process.retry import Backoff
from kernel.settings import Settings
from kernel.store.database import Database
from kernel.store.sql import load
from kernel.telemetry import logs, metrics, tracing
from kernel.text import redaction
from mobile_contracts.event import Event
from workers.runtime.message import Job
from workers.runtime.registry import Handler, Means, find

Outcome = Literal["done", "repeated", "busy", "waiting", "set_aside"]

DATABASE_AWAY = AWAY_FOR_ALL
_BUSY_SECONDS = 5.0
_UNKNOWN_SECONDS = 10.0
_LONGEST_PAUSE_SECONDS = 86_400.0
_ERROR_AT_MOST = 2000
_sql = load(Path(__file__).with_name("job.sql"))
_log = logs.logger(__name__)


def claim_seconds(settings: Settings) -> float:
    """How long a job is left to whoever took it: it may wait for PostgreSQL as long as it works, and fall silent."""
    return 2 * settings.job_timeout + settings.worker_silence


class Jobs:
    """Does jobs on behalf of one worker child, named by its row in `worker`."""

    def __init__(self, database: Database, worker: UUID, means: Means) -> None:
        self._database, self._worker, self._settings, self._means = database, worker, means.settings, means
        self._doing: set[tuple[UUID, str]] = set()

    async def do(self, job: Job) -> Outcome:
        """Does the job, or says why not; raises `Unavailable` when PostgreSQL stays away for `job_timeout`.

        Raises `asyncpg.DataError` for a payload that PostgreSQL cannot store.
        """
        handler = find(job.handler)
        name = handler.name if handler else "unknown"
        ids = {"event_id": str(job.event_id), "handler": name, "request_id": job.request_id or ""}
        started = time.monotonic()
        with logs.bind(**ids), tracing.span(f"job {name}", job.trace, event_id=str(job.event_id)):
            outcome = await self._when_database_answers(job, handler)
        metrics.JOBS.labels(name, outcome).inc()
        metrics.JOB_SECONDS.labels(name).observe(time.monotonic() - started)
        return outcome

    async def _when_database_answers(self, job: Job, handler: Handler | None) -> Outcome:
        until, backoff = time.monotonic() + self._settings.job_timeout, Backoff("PostgreSQL", longest=2.0)
        while True:
            try:
                return await self._try(job, handler)
            except asyncpg.DataError:
                raise  # nothing that PostgreSQL could ever store
            except Exception as error:  # handlers' own are caught below; the event must outlive any other
                if backoff.failed():
                    expected = isinstance(error, DATABASE_AWAY)
                    _log.warning("the job waits for PostgreSQL", error=type(error).__name__, exc_info=not expected)
                if time.monotonic() > until:
                    raise Unavailable("PostgreSQL stays away") from error
                await asyncio.sleep(backoff.pause)

    async def _try(self, job: Job, handler: Handler | None) -> Outcome:
        if handler is None:
            return await self._unknown(job)
        try:
            event = msgspec.convert(job.payload, handler.event)
        except msgspec.ValidationError as error:
            return await self._set_aside(job, f"the payload is not a {handler.event.kind()}: {error}")
        key = (job.event_id, job.handler)
        if key in self._doing:
            return await self._later(job, _BUSY_SECONDS, "busy")
        self._doing.add(key)
        try:
            return await self._do(job, handler, event)
        finally:
            self._doing.discard(key)

    async def _do(self, job: Job, handler: Handler, event: Event) -> Outcome:
        while True:
            try:
                state = await self._claim(job, handler)
                return await self._effect(job, handler, event) if state == "running" else state
            except asyncpg.LockNotAvailableError:
                return await self._later(job, _BUSY_SECONDS, "busy")
            except _ClaimLost:
                _log.warning("the claim of a job was lost in a crash of PostgreSQL: it is claimed again")

    async def _claim(self, job: Job, handler: Handler) -> Outcome | Literal["running"]:
        most = self._settings.job_attempts
        error = f"each of its {most} tries ended with the death of the process"
        async with self._database.connection() as connection:
            # A claim that a crash of PostgreSQL takes back is simply made again: it need not wait for the disk.
            row = await _sql.claim(connection, **_columns(job), worker=self._worker, most=most, error=error,
                                   alone=handler.sends, silence=self._settings.worker_silence,
                                   longest=claim_seconds(self._settings))  # fmt: skip
        if row is None:
            return "repeated" if await self._is_over(job) else await self._later(job, _BUSY_SECONDS, "busy")
        if row["state"] == "set_aside":
            _log.error("a job was set aside", error=error, attempts=row["attempts"])
            return "set_aside"
        return "running"

    async def _effect(self, job: Job, handler: Handler, event: Event) -> Outcome:
        try:
            async with asyncio.timeout(self._settings.job_timeout):
                if handler.sends:
                    await handler.send(event, self._means)
                return await self._finish(job, handler, event)
        except _ClaimLost:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is its failure, recorded and tried again
            return await self._failed(job, error)

    async def _finish(self, job: Job, handler: Handler, event: Event) -> Outcome:
        """Marks the job done, with its effect in the same transaction; raises `_ClaimLost` when its row is gone."""
        async with self._database.transaction() as tx:
            if await _sql.finish(tx, event_id=job.event_id, handler=job.handler) is not None:
                await handler.run(tx, event)
                return "done"
            if await _sql.stands(tx, event_id=job.event_id, handler=job.handler) is None:
                raise _ClaimLost
        return "repeated"

    async def _is_over(self, job: Job) -> bool:
        """Whether this delivery has nothing to do any more; false also for a job of which nothing is known."""
        async with self._database.connection() as connection:
            return bool(await _sql.is_settled(connection, event_id=job.event_id, handler=job.handler))

    async def _failed(self, job: Job, error: Exception) -> Outcome:
        async with self._database.transaction() as tx:
            state: Outcome | None = await _sql.fail(
                tx,
                event_id=job.event_id,
                handler=job.handler,
                worker=self._worker,
                most=self._settings.job_attempts,
                wait=self._settings.job_backoff,
                longest=_LONGEST_PAUSE_SECONDS,
                urgent=_urgent(job),
                error=_text(f"{type(error).__name__}: {error}"),
            )
            known = state or await _sql.stands(tx, event_id=job.event_id, handler=job.handler)
        if known is None:
            return await self._later(job, self._settings.job_backoff, "waiting")
        if state is None:
            return "repeated"  # done after all, or somebody else's by now
        say = _log.error if state == "set_aside" else _log.warning
        say("a job was set aside" if state == "set_aside" else "a job failed and is tried again", exc_info=error)
        return state

    async def _later(self, job: Job, wait: float, outcome: Outcome) -> Outcome:
        """The job comes again in a moment, without counting as a try: somebody has it, or its row is gone."""
        async with self._database.transaction() as tx:
            await _sql.later(tx, **_columns(job), wait=wait, urgent=_urgent(job))
        return outcome

    async def _unknown(self, job: Job) -> Outcome:
        """A handler of another version: it waits for a worker that has it, for so many days."""
        error = f"no handler is named {job.handler}"
        async with self._database.transaction() as tx:
            state: Outcome | None = await _sql.unknown_here(
                tx, **_columns(job), error=_text(error), wait=_UNKNOWN_SECONDS, days=self._settings.unknown_days
            )
        if state is None:
            return "repeated" if await self._is_over(job) else await self._later(job, _UNKNOWN_SECONDS, "busy")
        if state == "set_aside":
            _log.error("a job was set aside", error=error)
        return state

    async def _set_aside(self, job: Job, error: str) -> Outcome:
        async with self._database.transaction() as tx:
            await _sql.set_aside(tx, **_columns(job), error=_text(error))
        _log.error("a job was set aside", error=error)
        return "set_aside"


class _ClaimLost(Exception):
    """There is no row of a job that was claimed: it is not known to be done, and to be claimed again."""


def _urgent(job: Job) -> bool:
    """Whether somebody waits for what it brings."""
    handler = find(job.handler)
    return handler is not None and handler.event.awaited


def _columns(job: Job) -> dict[str, Any]:
    return {**msgspec.structs.asdict(job), "payload": msgspec.json.encode(job.payload).decode()}


def _text(error: str) -> str:
    """What may be kept and shown of an error: whatever was in the data that failed, no personal data."""
    return redaction.text(error.replace("\0", "").encode(errors="replace").decode())[:_ERROR_AT_MOST]
