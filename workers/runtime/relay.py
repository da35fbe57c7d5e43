"""The relay: moves committed events from the outbox to the broker, one message for each handler of their kind.

A row is claimed for a while, and deleted once the broker has confirmed its messages: an event is never lost, and may be
sent twice, which the job protocol makes harmless. No transaction is open while the broker answers.
"""

from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec
from celery import Celery

from kernel.bus.client import Bus
from kernel.queues import WORK, Queue
from kernel.queues.client import Message, Queues, written
from kernel.settings import Settings
from kernel.store.database import Database
from kernel.store.sql import load
from kernel.telemetry import logs, metrics
from mobile_contracts.event import Event
from workers.runtime.message import Job, encode
from workers.runtime.registry import KINDS, every

BATCH = 500
CLAIM_SECONDS = 60
"""Longer than the broker may take; what a relay that died had claimed goes out again after it."""

_SHORTEST, _LONGEST = 0.02, 0.2
_EVERY = "*"
"""The handler of an event of an unknown kind that was set aside as a whole: every one that it turns out to have."""

_sql = load(Path(__file__).with_name("relay.sql"))
_log = logs.logger(__name__)
_Handlers = dict[str, dict[str, Queue]]
"""By kind of event: names of handlers, each with the queue of its jobs."""


class Relay:
    """Moves what is due; any number of relays may run."""

    def __init__(self, database: Database, queues: Queues, bus: Bus, app: Celery, settings: Settings) -> None:
        self._database, self._queues, self._bus, self._app, self._settings = database, queues, bus, app, settings
        self._pause = _SHORTEST
        self._claimed: list[int] = []

    async def turn(self) -> float:
        """Moves one batch and gives the seconds to wait: none after a full one, ever more when there is nothing."""
        moved = await self.move()
        self._pause = _SHORTEST if moved else min(self._pause * 2, _LONGEST)
        return 0.0 if moved == BATCH else self._pause

    async def move(self) -> int:
        """Moves up to `BATCH` events, those that somebody waits for first, and gives their number.

        Raises `Unavailable`; what was not moved is due again then.
        """
        await self._give_back()
        async with self._database.transaction() as tx:
            rows = await _sql.claim(tx, size=BATCH, seconds=CLAIM_SECONDS)
        if not rows:
            return 0
        self._claimed, known = [row["id"] for row in rows], [row for row in rows if row["kind"] in KINDS]
        try:
            await self._publish(known)
        except Exception:
            await self._give_back()
            raise
        async with self._database.transaction() as tx:
            await _sql.remove(tx, ids=[row["id"] for row in known])
            if whole := [row["event_id"] for row in known if row["handler"] == _EVERY]:
                await _sql.handed_on(tx, event_ids=whole)
            await self._postpone(tx, [row for row in rows if row["kind"] not in KINDS])
        self._claimed = []
        for row in known:
            metrics.RELAYED.labels(row["kind"]).inc()
        await self._bus.tell([_event(row) for row in known if KINDS[row["kind"]].urgent and _for_all(row)])
        return len(rows)

    async def _give_back(self) -> None:
        """Makes due again what was claimed and not moved, or the next turn does, when PostgreSQL is away too."""
        if self._claimed:
            async with self._database.transaction() as tx:
                await _sql.release(tx, ids=self._claimed)
            self._claimed = []

    async def _publish(self, rows: list[Any]) -> None:
        handlers = await self._handlers(sorted({row["kind"] for row in rows}))
        waiting: defaultdict[Queue, list[Job]] = defaultdict(list)
        for row in rows:
            for name, queue in handlers[row["kind"]].items():
                if _for_all(row) or row["handler"] == name:
                    waiting[queue].append(_job(row, name))
            if not _for_all(row) and row["handler"] not in handlers[row["kind"]]:
                waiting[WORK].append(_job(row, row["handler"]))
        for queue in sorted(waiting, key=lambda one: one == WORK):
            jobs = waiting[queue]
            await self._queues.publish(queue, [self._message(queue, job) for job in jobs])

    async def _handlers(self, kinds: list[str]) -> _Handlers:
        """Those of this version, and of a newer one that was migrated to: its workers know them.

        Jobs of a queue from which nobody takes go where every worker takes from.
        """
        found: _Handlers = {kind: {} for kind in kinds}
        async with self._database.transaction() as tx:
            for kind, name, queue in await _sql.handlers(tx, kinds=kinds):
                found[kind][name] = Queue(queue)
            for handler in every():
                if handler.event.kind() in found:
                    found[handler.event.kind()][handler.name] = handler.queue
            queues = {queue for names in found.values() for queue in names.values()} - {WORK}
            silence = self._settings.worker_silence
            living = {one for one in queues if await _sql.lives(tx, queue=one.name, silence=silence)} | {WORK}
        return {
            kind: {name: queue if queue in living else WORK for name, queue in names.items()}
            for kind, names in found.items()
        }

    def _message(self, queue: Queue, job: Job) -> Message:
        if queue != WORK:
            return Message(written(job))
        return encode(self._app, job, enveloped=not self._settings.broker_url)

    async def _postpone(self, tx: Any, rows: list[Any]) -> None:
        """Leaves events of a newer version to its relay; those that waited too long are set aside, and shown."""
        if not rows:
            return
        kinds = sorted({row["kind"] for row in rows})
        _log.warning("events of unknown kinds wait for a relay that knows them", kinds=kinds, events=len(rows))
        if aside := await _sql.postpone(tx, ids=[row["id"] for row in rows], days=self._settings.unknown_days):
            _log.error("events of unknown kinds were set aside", kinds=kinds, events=aside)


def _for_all(row: Any) -> bool:
    return row["handler"] in (None, _EVERY)


def _event(row: Any) -> Event:
    return msgspec.json.decode(row["payload"], type=KINDS[row["kind"]])


def _job(row: Any, handler: str) -> Job:
    return Job(
        event_id=row["event_id"],
        kind=row["kind"],
        handler=handler,
        payload=msgspec.json.decode(row["payload"]),
        request_id=row["request_id"],
        trace=row["trace"],
    )
