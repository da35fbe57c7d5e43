"""Repeating a POST with its key is safe: same answer, one effect, never somebody else's answer."""

import asyncio
import uuid

import httpx

from kernel.store.database import Database
from tests.api.conftest import SignIn
from tests.api.operations.test_job import set_aside


def retry(event_id: uuid.UUID) -> str:
    return f"/v1/staff/jobs/{event_id}/record_probe/retry"


async def test_without_a_key_or_with_a_bad_one_nothing_is_done(
    api: httpx.AsyncClient, database: Database, sign_in: SignIn
) -> None:
    (event_id,) = await set_aside(database, 1)
    headers = await sign_in()
    none = await api.post(retry(event_id), headers=headers)
    short = await api.post(retry(event_id), headers={**headers, "Idempotency-Key": "x"})
    assert (none.status_code, none.json()["code"]) == (400, "key_required")
    assert (short.status_code, short.json()["code"]) == (400, "invalid_input")


async def test_the_same_key_with_another_request_is_refused(
    api: httpx.AsyncClient, database: Database, sign_in: SignIn
) -> None:
    one, other = await set_aside(database, 2)
    headers = {**await sign_in(), "Idempotency-Key": "key-number-1"}
    await api.post(retry(one), headers=headers)
    answer = await api.post(retry(other), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "key_reused")


async def test_a_refusal_is_repeated_too(api: httpx.AsyncClient, database: Database, sign_in: SignIn) -> None:
    headers = {**await sign_in(), "Idempotency-Key": "key-number-2"}
    missing = uuid.uuid4()
    first = await api.post(retry(missing), headers=headers)
    async with database.transaction() as tx:
        await tx.execute(
            "insert into job (event_id, handler, kind, payload, state)"
            " values ($1, 'record_probe', 'Probed', '{}', 'set_aside')",
            missing,
        )
    again = await api.post(retry(missing), headers=headers)
    assert (first.status_code, again.status_code, again.content) == (404, 404, first.content)
    assert again.headers["content-type"] == "application/problem+json"


async def test_another_person_with_the_same_key_gets_their_own_answer(
    api: httpx.AsyncClient, database: Database, sign_in: SignIn
) -> None:
    one, other = await set_aside(database, 2)
    key = {"Idempotency-Key": "shared-by-chance"}
    first = await api.post(retry(one), headers={**await sign_in(subject="1"), **key})
    second = await api.post(retry(other), headers={**await sign_in(subject="2"), **key})
    assert (first.json()["event_id"], second.json()["event_id"]) == (str(one), str(other))


async def test_the_same_request_many_times_at_once_takes_effect_once(
    api: httpx.AsyncClient, database: Database, sign_in: SignIn
) -> None:
    (event_id,) = await set_aside(database, 1)
    headers = {**await sign_in(), "Idempotency-Key": "all-at-once"}
    answers = await asyncio.gather(*(api.post(retry(event_id), headers=headers) for _ in range(8)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len({answer.content for answer in answers if answer.status_code == 200}) == 1
    async with database.transaction() as tx:
        assert await tx.fetchval("select count(*) from outbox where handler = 'record_probe'") == 1


async def test_a_key_is_good_again_after_a_day(api: httpx.AsyncClient, database: Database, sign_in: SignIn) -> None:
    one, other = await set_aside(database, 2)
    headers = {**await sign_in(), "Idempotency-Key": "yesterdays-key"}
    await api.post(retry(one), headers=headers)
    async with database.transaction() as tx:
        await tx.execute("select set_config('hexad.principal', 'staff:10086', true)")
        await tx.execute("update idempotency set created_at = now() - interval '25 hours'")
    assert (await api.post(retry(other), headers=headers)).status_code == 200
