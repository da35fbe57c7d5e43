"""Addresses to which nothing more goes are seen by those who may, and lifted with a reason."""

from uuid import UUID

import httpx
import pytest

from kernel.security.scope import apply_system
from kernel.settings import Settings
from kernel.store.database import Database
from tests.brokerage import Brokerage, small

URL = "/v1/staff/suppressions"
WHY = {"reason": "the mailbox works again"}


@pytest.fixture
async def house(database: Database, own_settings: Settings) -> Brokerage:
    """Two branches with people in every role and six customers."""
    made = await small(database, own_settings)
    for number, channel in (("88000001", "email"), ("88000001", "sms"), ("88000006", "email")):
        await made.execute(
            "insert into suppression (customer_id, channel, address, reason, message_id)"
            " values ($1, $2, 'x', 'hard_bounce', $3)", made.customers[number], channel, UUID(int=7),
        )  # fmt: skip
    return made


async def test_they_are_listed_in_pages_and_by_customer(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers = await house.headers("1008")
    first = (await api.get(URL, params={"limit": "2"}, headers=headers)).json()
    rest = (await api.get(URL, params={"limit": "2", "cursor": first["next"]}, headers=headers)).json()
    found = [(one["customer_no"], one["channel"], one["current"]) for one in first["items"] + rest["items"]]
    assert found == [("88000006", "email", False), ("88000001", "sms", False), ("88000001", "email", False)]
    of_one = (await api.get("/v1/staff/customers/88000001/suppressions", headers=headers)).json()["items"]
    assert {one["customer_no"] for one in of_one} == {"88000001"}


async def test_one_is_lifted_with_a_reason_by_those_alone_who_may(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers = await house.headers("1008")
    one = (await api.get(URL, headers=headers)).json()["items"][0]
    url = f"/v1/staff/customers/{one['customer_no']}/suppressions/{one['id']}"
    assert (await api.delete(url, headers=headers)).status_code == 400
    assert (await api.delete(url, params=WHY, headers=await house.headers("1001"))).status_code == 403
    elsewhere = url.replace("88000006", "88000001")
    assert (await api.delete(elsewhere, params=WHY, headers=headers)).status_code == 404
    assert (await api.delete(url, params=WHY, headers=headers)).status_code == 204
    assert (await api.delete(url, params=WHY, headers=headers)).status_code == 404
    assert len((await api.get(URL, headers=headers)).json()["items"]) == 2
    async with house.database.transaction() as tx:
        await apply_system(tx, "test", kind="company")
        assert await tx.fetchval("select reason from audit where action = 'suppression.lift'") == WHY["reason"]


async def test_who_serves_a_customer_reads_theirs_and_lifts_none(api: httpx.AsyncClient, house: Brokerage) -> None:
    for employee, seen in (("1001", ["88000001"] * 2), ("1005", ["88000001"] * 2), ("1006", ["88000006"])):
        headers = await house.headers(employee)
        found = (await api.get(URL, headers=headers)).json()["items"]
        assert [one["customer_no"] for one in found] == seen, employee
        url = f"/v1/staff/customers/{found[0]['customer_no']}/suppressions/{found[0]['id']}"
        assert (await api.delete(url, params=WHY, headers=headers)).status_code == 403
    assert (await api.get(URL, headers=await house.headers("1012"))).status_code == 403
