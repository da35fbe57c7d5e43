"""The relay: moves committed events from the outbox to the broker, one message for each handler of their kind.

A row is deleted in the transaction that claimed it, after the broker has confirmed its messages: an event is never
lost, and may be sent twice, which the job protocol makes harmless.
"""

from pathlib import Path
from typing import Any

import msgspec
from celery import Celery

from kernel import logs, metrics
from kernel.bus.client import Bus
from kernel.database import Database
from kernel.queues import WORK
from kernel.queues.client import Queues
from kernel.sql import load
from mobile_contracts.event import Event
from workers.message import Job, encode
from workers.registry import KINDS, handlers_of

BATCH = 500
_SHORTEST, _LONGEST = 0.02, 0.2
_sql = load(Path(__file__).with_name("relay.sql"))
_log = logs.logger(__name__)


class Relay:
    """Moves what is due; any number of relays may run."""

    def __init__(self, database: Database, queues: Queues, bus: Bus, app: Celery, *, enveloped: bool) -> None:
        self._database, self._queues, self._bus, self._app, self._enveloped = database, queues, bus, app, enveloped
        self._pause = _SHORTEST

    async def turn(self) -> float:
        """Moves one batch and gives the seconds to wait: none after a full one, ever more when there is nothing."""
        moved = await self.move()
        self._pause = _SHORTEST if moved else min(self._pause * 2, _LONGEST)
        return 0.0 if moved == BATCH else self._pause

    async def move(self) -> int:
        """Moves up to `BATCH` events and gives their number; raises `Unavailable`."""
        async with self._database.transaction() as tx:
            rows = await _sql.due(tx, size=BATCH)
            known = [row for row in rows if row["kind"] in KINDS]
            jobs = [job for row in known for job in _jobs(row)]
            await self._queues.publish(WORK, [encode(self._app, job, enveloped=self._enveloped) for job in jobs])
            if rows:
                await _sql.remove(tx, ids=[row["id"] for row in known])
            await self._postpone(tx, [row for row in rows if row["kind"] not in KINDS])
        for row in known:
            metrics.RELAYED.labels(row["kind"]).inc()
        await self._bus.tell([_event(row) for row in known if KINDS[row["kind"]].urgent and row["handler"] is None])
        return len(rows)

    async def _postpone(self, tx: Any, rows: list[Any]) -> None:
        """Leaves events of a newer version to its relay."""
        if rows:
            kinds = sorted({row["kind"] for row in rows})
            _log.warning("events of unknown kinds wait for a relay that knows them", kinds=kinds, events=len(rows))
            await _sql.postpone(tx, ids=[row["id"] for row in rows])


def _event(row: Any) -> Event:
    return msgspec.json.decode(row["payload"], type=KINDS[row["kind"]])


def _jobs(row: Any) -> list[Job]:
    names = [row["handler"]] if row["handler"] else handlers_of(row["kind"])
    return [
        Job(
            event_id=row["event_id"],
            kind=row["kind"],
            handler=name,
            payload=msgspec.json.decode(row["payload"]),
            request_id=row["request_id"],
            trace=row["trace"],
        )
        for name in names
    ]
