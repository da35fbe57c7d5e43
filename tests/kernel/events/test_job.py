"""Jobs that are not done are listed, found, and tried again with all their tries."""

import uuid

import pytest

from kernel.errors import InvalidInput, NotFound
from kernel.events import job
from kernel.events.job import JobCursor
from kernel.store.database import Tx


async def add(tx: Tx, state: str) -> uuid.UUID:
    """Puts one job into the state."""
    event_id = uuid.uuid4()
    await tx.execute(
        "insert into job (event_id, handler, kind, payload, state, attempts, request_id)"
        " values ($1, 'h', 'Probed', '{\"a\": 1}', $2, 5, 'r-1')",
        event_id,
        state,
    )
    return event_id


async def test_a_job_that_was_set_aside_goes_out_again_as_it_was(tx: Tx) -> None:
    event_id = await add(tx, "set_aside")
    after = await job.try_again(tx, event_id, "h")
    assert (after.state, after.attempts) == ("waiting", 0)
    sent = await tx.fetchrow("select handler, payload, request_id from outbox where event_id = $1", event_id)
    assert sent is not None
    assert tuple(sent) == ("h", '{"a": 1}', "r-1")


@pytest.mark.parametrize("state", ["running", "waiting", "done"])
async def test_any_other_job_is_left_alone(tx: Tx, state: str) -> None:
    event_id = await add(tx, state)
    with pytest.raises(InvalidInput):
        await job.try_again(tx, event_id, "h")


async def test_a_job_that_is_not_there_is_not_found(tx: Tx) -> None:
    with pytest.raises(NotFound):
        await job.find(tx, uuid.uuid4(), "h")


async def test_a_list_goes_on_after_the_last_of_the_page(tx: Tx) -> None:
    ids = {await add(tx, "set_aside") for _ in range(3)}
    first = await job.list_open(tx, "set_aside", JobCursor(), 2)
    last = first[-1]
    rest = await job.list_open(tx, "set_aside", JobCursor(last.started_at, last.event_id, last.handler), 2)
    assert {one.event_id for one in first + rest} == ids
    assert len(first) == 2
