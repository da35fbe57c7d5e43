"""An administrator sees the jobs that were set aside and tries one again, once."""

import asyncio
import uuid
from typing import Any

import httpx

from kernel.store.database import Database
from tests.api.conftest import SignIn


async def set_aside(database: Database, count: int) -> list[uuid.UUID]:
    """Puts jobs into the state in which a worker leaves them after their last try."""
    ids = [uuid.uuid4() for _ in range(count)]
    async with database.transaction() as tx:
        await tx.executemany(
            "insert into job (event_id, handler, kind, payload, state, attempts, error)"
            " values ($1, 'record_probe', 'Probed', '{}', 'set_aside', 5, 'ValueError')",
            [(one,) for one in ids],
        )
    return ids


async def every_page(api: httpx.AsyncClient, headers: dict[str, str], limit: int) -> list[dict[str, Any]]:
    """All items, page by page."""
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        query = {"limit": str(limit), **({"cursor": cursor} if cursor else {})}
        page = (await api.get("/v1/staff/jobs", params=query, headers=headers)).json()
        items += page["items"]
        assert len(page["items"]) <= limit
        if (cursor := page["next"]) is None:
            return items


async def test_pages_show_every_job_once(api: httpx.AsyncClient, database: Database, sign_in: SignIn) -> None:
    ids = await set_aside(database, 7)
    items = await every_page(api, await sign_in(), limit=3)
    assert sorted(item["event_id"] for item in items) == sorted(map(str, ids))


async def test_a_job_that_was_set_aside_is_sent_out_again_once(
    api: httpx.AsyncClient, database: Database, sign_in: SignIn
) -> None:
    (event_id,) = await set_aside(database, 1)
    headers = {**await sign_in(), "Idempotency-Key": "try-again-1"}
    url = f"/v1/staff/jobs/{event_id}/record_probe/retry"
    first = await api.post(url, headers=headers)
    again = await api.post(url, headers=headers)
    assert (first.status_code, first.json()["state"]) == (200, "waiting")
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    async with database.transaction() as tx:
        assert await tx.fetchval("select count(*) from outbox where handler = 'record_probe'") == 1
        audit = await tx.fetchrow("select principal, device_id, action, noun_id, before, after from audit")
    assert audit is not None
    assert (audit["principal"], audit["device_id"], audit["action"]) == ("staff:10086", "phone-1", "job.retry")


async def test_a_broker_may_not_see_jobs(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    answer = await api.get("/v1/staff/jobs", headers=await sign_in("broker"))
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


async def test_many_who_try_at_once_are_told_what_became_of_it(
    api: httpx.AsyncClient, database: Database, sign_in: SignIn
) -> None:
    (event_id,) = await set_aside(database, 1)
    headers = await sign_in()
    url = f"/v1/staff/jobs/{event_id}/record_probe/retry"
    keys = [{"Idempotency-Key": f"key-{number:08}"} for number in range(8)]
    answers = await asyncio.gather(*(api.post(url, headers={**headers, **key}) for key in keys))
    assert sorted(answer.status_code for answer in answers) == [200] + 7 * [400]


async def test_an_unknown_state_is_told_which_there_are(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    answer = await api.get("/v1/staff/jobs", params={"state": "asleep"}, headers=await sign_in())
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["field"]) == (400, "state")
    assert "set_aside" in error["message"]


async def test_a_job_that_is_not_there_is_not_found(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    answer = await api.get(f"/v1/staff/jobs/{uuid.uuid4()}/nothing", headers=await sign_in())
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
