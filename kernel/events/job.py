"""Jobs that are not done, for whoever operates the system: which wait, which were set aside, and trying one again."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from kernel.errors import InvalidInput, NotFound
from kernel.events.outbox import Record, emit
from kernel.store.cursor import Cursor, Moment, Words, check_utc
from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.event import JobTriedAgain
from mobile_contracts.operations.job import Job, JobState

_sql = load(Path(__file__).with_name("job.sql"), Job)


class JobCursor(Cursor, frozen=True):
    """The last job of a page."""

    started_at: Moment = datetime.max.replace(tzinfo=UTC)
    event_id: UUID = UUID(int=2**128 - 1)
    handler: Words = "\U0010ffff"

    def __post_init__(self) -> None:
        """Raises `ValueError` for a time that is not in UTC."""
        check_utc(self.started_at)


async def list_open(tx: Tx, state: JobState, after: JobCursor, size: int) -> list[Job]:
    """Jobs of one state, the newest first."""
    jobs: list[Job] = await _sql.list_open(
        tx, state=state, after_at=after.started_at, after_id=after.event_id, after_handler=after.handler, size=size
    )
    return jobs


async def find(tx: Tx, event_id: UUID, handler: str) -> Job:
    """One job; raises `NotFound`."""
    job: Job | None = await _sql.find(tx, event_id=event_id, handler=handler)
    if job is None:
        raise NotFound
    return job


async def try_again(tx: Tx, event_id: UUID, handler: str) -> Job:
    """Sends a job that was set aside out again; raises `NotFound`, or `InvalidInput` when it is in another state."""
    before: Job | None = await _sql.find_for_update(tx, event_id=event_id, handler=handler)
    if before is None:
        raise NotFound
    if before.state != "set_aside":
        raise InvalidInput(
            f"the job is {before.state}, only one that was set aside is tried again", "仅可重试已搁置的任务"
        )
    after: Job = await _sql.try_again(tx, event_id=event_id, handler=handler)
    record = Record(action="job.retry", noun="job", noun_id=f"{event_id}/{handler}", before=before, after=after)
    await emit(tx, JobTriedAgain(event_id=event_id, handler=handler), record)
    return after
