"""A broker writes to customers of their own alone, the head office to branches; both see how far it is and stop it."""

from typing import Any

import httpx
import pytest

from kernel.settings import Settings
from kernel.store.database import Database
from notifications.broadcast import expansion
from tests.brokerage import Brokerage, small

CARE = {"template": "care", "values": {"words": "天气转凉"}, "channels": ["sms", "in_app"]}
URL = "/v1/staff/broadcasts"


@pytest.fixture
async def house(database: Database, own_settings: Settings) -> Brokerage:
    """Two branches with people in every role and six customers."""
    return await small(database, own_settings)


async def keyed(house: Brokerage, who: str, key: str = "key-00001") -> dict[str, str]:
    """The headers of somebody's request."""
    return {**await house.headers(who), "Idempotency-Key": key}


async def expanded(house: Brokerage, started: dict[str, Any]) -> None:
    """Makes the messages, as the sender does."""
    async with house.database.transaction() as tx:
        await tx.execute("select set_config('hexad.scope', 'company', true)")
        await expansion.expand(tx, started["id"])


async def test_a_broker_sends_care_to_chosen_customers_of_their_own(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers = await keyed(house, "1001")
    wanted = {**CARE, "customer_nos": ["88000001", "88000003"]}
    answer = await api.post("/v1/staff/care-messages", json=wanted, headers=headers)
    assert answer.status_code == 202, answer.text
    started = answer.json()
    assert (started["total"], started["state"], started["started_by"]) == (2, "running", "staff:1001")
    assert (await api.post("/v1/staff/care-messages", json=wanted, headers=headers)).json() == started
    await expanded(house, started)
    progress = (await api.get(f"{URL}/{started['id']}", headers=headers)).json()
    assert (progress["counts"]["queued"], sum(progress["counts"].values()), progress["done"]) == (2, 2, 0)
    messages = (await api.get(f"{URL}/{started['id']}/messages", headers=headers)).json()["items"]
    assert {(one["customer_no"], one["channel"], one["state"]) for one in messages} == {
        ("88000001", "sms", "queued"), ("88000003", "sms", "queued"),
    }  # fmt: skip
    assert (await api.get(URL, headers=headers)).json()["items"][0]["id"] == started["id"]


async def test_another_ones_customer_or_broadcast_is_not_there(api: httpx.AsyncClient, house: Brokerage) -> None:
    wanted = {**CARE, "customer_nos": ["88000001", "88000004"]}
    answer = await api.post("/v1/staff/care-messages", json=wanted, headers=await keyed(house, "1001"))
    assert answer.status_code == 404
    mine = {**CARE, "customer_nos": ["88000004"]}
    started = await api.post("/v1/staff/care-messages", json=mine, headers=await keyed(house, "1003"))
    other = await keyed(house, "1001", "key-00002")
    assert (await api.get(f"{URL}/{started.json()['id']}", headers=other)).status_code == 404
    assert (await api.post(f"{URL}/{started.json()['id']}/cancel", headers=other)).status_code == 404
    assert (await api.get(URL, headers=other)).json()["items"] == []
    head = await keyed(house, "1008")
    assert [one["id"] for one in (await api.get(URL, headers=head)).json()["items"]] == [started.json()["id"]]


async def test_the_head_office_writes_to_all_of_a_branch_and_stops_it(api: httpx.AsyncClient, house: Brokerage) -> None:
    values = {"title": "通知", "words": "周六维护"}
    wanted = {"template": "announcement", "values": values, "channels": ["sms"], "branch_codes": ["b1"]}
    assert (await api.post(URL, json=wanted, headers=await keyed(house, "1001"))).status_code == 403
    started = (await api.post(URL, json=wanted, headers=await keyed(house, "1008"))).json()
    assert started["total"] == 5
    for number, (verb, state) in enumerate((("pause", "paused"), ("resume", "running"), ("cancel", "cancelled"))):
        headers = await keyed(house, "1008", f"verb-0000{number}")
        assert (await api.post(f"{URL}/{started['id']}/{verb}", headers=headers)).json()["state"] == state
    again = await api.post(f"{URL}/{started['id']}/resume", headers=await keyed(house, "1008", "verb-00009"))
    assert (again.status_code, again.json()["detail"]) == (409, "it is cancelled")
    nameless = {**wanted, "template": "nothing"}
    refused = await api.post(URL, json=nameless, headers=await keyed(house, "1008", "key-00003"))
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "template")
    unknown = {**wanted, "branch_codes": ["b1", "nowhere"]}
    refused = await api.post(URL, json=unknown, headers=await keyed(house, "1008", "key-00002"))
    assert refused.status_code == 400
    assert refused.json()["errors"] == [
        {"field": "branch_codes", "message": "there is no branch nowhere", "code": "invalid"}
    ]
    branches = await api.get("/v1/staff/units?kind=branch", headers=await house.headers("1008"))
    assert {"b1", "b2"} <= {one["code"] for one in branches.json()["items"]}


@pytest.mark.parametrize("field", ["not_before", "expires_at"])
async def test_a_time_without_its_offset_is_refused(api: httpx.AsyncClient, house: Brokerage, field: str) -> None:
    values = {"title": "通知", "words": "周六维护"}
    wanted = {"template": "announcement", "values": values, "channels": ["sms"], "branch_codes": ["b1"]}
    headers = {**await keyed(house, "1008"), "Accept-Language": "zh"}
    answer = await api.post(URL, json={**wanted, field: "2026-11-27T00:00:00"}, headers=headers)
    assert answer.status_code == 400, answer.text
    assert [(one["field"], one["message"]) for one in answer.json()["errors"]] == [(field, "须带时区,例如 +08:00")]


@pytest.mark.parametrize("field", ["not_before", "expires_at"])
@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00"])
async def test_a_time_that_no_clock_shows_is_refused(
    api: httpx.AsyncClient, house: Brokerage, field: str, at: str
) -> None:
    wanted = {"template": "announcement", "values": {"title": "通知", "words": "x"}, "channels": ["sms"],
              "branch_codes": ["b1"], field: at}  # fmt: skip
    answer = await api.post(URL, json=wanted, headers=await keyed(house, "1008"))
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input"), answer.text


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"values": {}}, "values.words"), ({"values": {"words": "x\ny"}}, "values.words"),
        ({"channels": ["pigeon"]}, "channels.0"), ({"channels": ["sms", "sms"]}, "channels"),
        ({"customer_nos": []}, "customer_nos"), ({"more": 1}, "more"), ({"template": "promotion"}, "template"),
    ],
)  # fmt: skip
async def test_what_could_not_be_sent_is_refused(
    api: httpx.AsyncClient, house: Brokerage, change: dict[str, Any], field: str
) -> None:
    wanted = {**CARE, "customer_nos": ["88000001"], **change}
    answer = await api.post("/v1/staff/care-messages", json=wanted, headers=await keyed(house, "1001"))
    assert answer.status_code == 400, answer.text
    assert field in [one["field"] for one in answer.json()["errors"]] or answer.json()["code"] == "invalid_input"


async def test_sending_takes_a_key_so_that_repeating_is_safe(api: httpx.AsyncClient, house: Brokerage) -> None:
    wanted = {**CARE, "customer_nos": ["88000001"]}
    keyless = await api.post("/v1/staff/care-messages", json=wanted, headers=await house.headers("1001"))
    assert keyless.json()["code"] == "key_required"


async def test_only_who_may_change_broadcasts_stops_one(api: httpx.AsyncClient, house: Brokerage) -> None:
    wanted = {**CARE, "customer_nos": ["88000001"]}
    started = (await api.post("/v1/staff/care-messages", json=wanted, headers=await keyed(house, "1001"))).json()
    async with house.database.transaction() as tx:
        await tx.execute("delete from role_permission where permission = 'broadcast.change' and role = 'broker'")
    for verb in ("pause", "resume", "cancel"):
        refused = await api.post(f"{URL}/{started['id']}/{verb}", headers=await keyed(house, "1001", f"{verb}-000"))
        assert refused.status_code == 403, "who may read may not stop"
    head = await api.post(f"{URL}/{started['id']}/cancel", headers=await keyed(house, "1008", "head-0001"))
    assert head.json()["state"] == "cancelled"


async def test_a_branch_out_of_reach_is_not_there(api: httpx.AsyncClient, house: Brokerage) -> None:
    async with house.database.transaction() as tx:
        await tx.execute("insert into role_permission (role, permission) values ('branch_manager', 'broadcast.start')")
    values = {"title": "通知", "words": "周六维护"}
    wanted = {"template": "announcement", "values": values, "channels": ["sms"]}
    for number, (codes, status) in enumerate(((["b1"], 202), (["b2"], 404), (["b9"], 404), (["b1", "b2"], 404))):
        headers = await keyed(house, "1005", f"key-1000{number}")
        answer = await api.post(URL, json={**wanted, "branch_codes": codes}, headers=headers)
        assert answer.status_code == status, (codes, answer.text)


async def test_care_at_night_says_that_it_waits_for_the_morning(api: httpx.AsyncClient, house: Brokerage) -> None:
    wanted = {**CARE, "customer_nos": ["88000001"]}
    headers = await keyed(house, "1001")
    started = (await api.post("/v1/staff/care-messages", json=wanted, headers=headers)).json()
    async with house.database.transaction() as tx:
        await tx.execute("select set_config('hexad.scope', 'company', true)")
        await tx.execute("update broadcast set not_before = now() + interval '1 hour'")
    progress = (await api.get(f"{URL}/{started['id']}", headers=headers)).json()
    assert progress["waiting_for"] == "start"
    assert progress["next_at"] is not None
