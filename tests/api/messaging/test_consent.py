"""What a customer says is kept with its proof, and what waits for them stops at once, whoever sent it."""

import httpx
import pytest

from kernel.security.scope import apply_system
from kernel.settings import Settings
from kernel.store.database import Database
from notifications.broadcast import broadcast, expansion
from notifications.broadcast.broadcast import Wanted
from tests.brokerage import Brokerage, small


@pytest.fixture
async def house(database: Database, own_settings: Settings) -> Brokerage:
    """Two branches with people in every role and six customers."""
    return await small(database, own_settings)


async def test_a_broker_notes_what_a_customer_says_with_its_proof(api: httpx.AsyncClient, house: Brokerage) -> None:
    url, headers = "/v1/staff/customers/88000001/consents", await house.headers("1001")
    said = {"purpose": "marketing", "channel": "sms", "allowed": True, "evidence": "contract 2026-77, page 3"}
    given = await api.put(url, json=said, headers=headers)
    assert (given.status_code, given.json()["source"]) == (200, "staff")
    assert (await api.put(url, json={**said, "evidence": "x"}, headers=headers)).status_code == 400
    assert (await api.put(url, json={**said, "allowed": False}, headers=headers)).json()["allowed"] is False
    words = (await api.get(url, headers=headers)).json()
    assert [(one["allowed"], one["ended_at"] is None) for one in words] == [(False, True), (True, False)]
    other = url.replace("88000001", "88000004")
    assert (await api.put(other, json=said, headers=headers)).status_code == 404


@pytest.mark.parametrize("who", ["investor", "broker"])
async def test_withdrawn_what_the_head_office_sends_stops_too(
    api: httpx.AsyncClient, house: Brokerage, who: str
) -> None:
    async with house.database.transaction() as tx:
        await apply_system(tx, "head_office", kind="company")
        ids = [house.customers[no] for no in ("88000001", "88000002")]
        wanted = Wanted("announcement", "care", "service", ("sms",), {"words": "x"}, ids, by="staff:1008")
        await expansion.expand(tx, await broadcast.start(tx, wanted))
    said = {"purpose": "service", "channel": "sms", "allowed": False}
    if who == "investor":
        url, headers = "/v1/investor/consents", await house.headers("88000001", "investor")
    else:
        url, headers = "/v1/staff/customers/88000001/consents", await house.headers("1001")
        said["evidence"] = "recorded call 12"
    assert (await api.put(url, json=said, headers=headers)).status_code == 200
    async with house.database.transaction() as tx:
        await apply_system(tx, "test", kind="company")
        rows = await tx.fetch("select customer_id, state, reason from outgoing order by customer_id")
        by = await tx.fetchval("select principal from audit where action = 'consent.withdraw'")
    assert [tuple(row) for row in rows] == [(ids[0], "skipped", "opted_out"), (ids[1], "queued", None)]
    assert by == ("investor:88000001" if who == "investor" else "staff:1001")
    (word, *_) = (await api.get(url, headers=headers)).json()
    assert word["source"] == ("investor" if who == "investor" else "staff")


async def test_what_customers_withdrew_themselves_they_alone_allow_again(
    api: httpx.AsyncClient, house: Brokerage
) -> None:
    staff, investor = await house.headers("1001"), await house.headers("88000001", "investor")
    url, said = "/v1/staff/customers/88000001/consents", {"purpose": "marketing", "channel": "sms", "allowed": True}
    proven = {**said, "evidence": "recorded call 12"}
    await api.put("/v1/investor/consents", json={**said, "allowed": False}, headers=investor)
    answer = await api.put(url, json=proven, headers=staff)
    assert (answer.status_code, answer.json()["code"]) == (409, "withdrawn_by_customer")
    assert (await api.put(url, json={**proven, "allowed": False}, headers=staff)).status_code == 200
    assert (await api.put("/v1/investor/consents", json=said, headers=investor)).json()["allowed"] is True
    assert (await api.put(url, json={**proven, "allowed": False}, headers=staff)).json()["source"] == "staff"
    assert (await api.put(url, json=proven, headers=staff)).json()["allowed"] is True


async def test_what_customers_withdrew_for_all_topics_is_not_allowed_again_for_one(
    api: httpx.AsyncClient, house: Brokerage
) -> None:
    staff, investor = await house.headers("1001"), await house.headers("88000001", "investor")
    await house.execute("update template set topic = 'holidays' where code = 'care'")
    said = {"purpose": "service", "channel": "sms", "allowed": False}
    await api.put("/v1/investor/consents", json=said, headers=investor)
    url, proven = "/v1/staff/customers/88000001/consents", {**said, "allowed": True, "evidence": "recorded call 12"}
    one = await api.put(url, json={**proven, "topic": "holidays"}, headers=staff)
    assert (one.status_code, one.json()["code"]) == (409, "withdrawn_by_customer")
    assert (await api.put(url, json={**proven, "channel": "email"}, headers=staff)).status_code == 200


async def test_a_topic_that_no_template_has_is_named(api: httpx.AsyncClient, house: Brokerage) -> None:
    said = {"purpose": "service", "channel": "sms", "allowed": False, "topic": "holidays"}
    headers = await house.headers("88000001", "investor")
    answer = await api.put("/v1/investor/consents", json=said, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "topic")
    await house.execute("update template set topic = 'holidays' where code = 'care'")
    assert (await api.put("/v1/investor/consents", json=said, headers=headers)).status_code == 200
