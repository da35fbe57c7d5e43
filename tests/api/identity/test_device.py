"""Somebody sees and revokes their own devices, and no push token is ever shown."""

import asyncio

import httpx
import pytest

from identity import principal
from kernel.security.scope import Audience
from kernel.settings import Settings
from kernel.store.database import Database
from tests.brokerage import Brokerage, small

TOKEN = "canary-push-token-0001"
APPLE = {"name": "小米 15", "vendor": "xiaomi", "push_token": TOKEN, "app_version": "2.10.0"}


@pytest.fixture
async def house(database: Database, own_settings: Settings) -> Brokerage:
    """Two branches with people in every role and six customers."""
    return await small(database, own_settings)


@pytest.mark.parametrize(("who", "audience"), [("1001", "staff"), ("88000001", "investor")])
async def test_an_app_registers_its_device_and_its_owner_revokes_it(
    api: httpx.AsyncClient, house: Brokerage, monkeypatch: pytest.MonkeyPatch, who: str, audience: Audience
) -> None:
    monkeypatch.setattr(principal, "REMEMBERED_SECONDS", 0.5)
    headers, url = await house.headers(who, audience, "d-1"), f"/v1/{audience}/devices"
    for _ in range(2):
        answer = await api.put(f"{url}/d-1", json=APPLE, headers=headers)
        assert answer.status_code == 200, answer.text
        assert TOKEN not in answer.text
    (one,) = (await api.get(url, headers=headers)).json()
    assert (one["device_id"], one["name"], one["vendor"], one["push"]) == ("d-1", "小米 15", "xiaomi", True)
    assert (await api.delete(f"{url}/d-1", headers=headers)).status_code == 204
    async with asyncio.timeout(20):
        while (await api.get(url, headers=headers)).status_code != 401:
            await asyncio.sleep(0.1)
    again = await house.headers(who, audience, "d-2")
    assert (await api.get(url, headers=again)).json() == []


async def test_an_owner_allows_a_device_again_from_another(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers, url = await house.headers("1001", device_id="d-2"), "/v1/staff/devices"
    await api.put(f"{url}/d-1", json=APPLE, headers=headers)
    await api.delete(f"{url}/d-1", headers=headers)
    (one,) = (await api.get(url, params={"revoked": "true"}, headers=headers)).json()
    assert (one["device_id"], one["push"], one["revoked_at"] is None) == ("d-1", False, False)
    assert (await api.delete(f"{url}/d-1", headers=headers)).status_code == 404
    again = await api.put(f"{url}/d-1", json=APPLE, headers=headers)
    assert (again.status_code, again.json()["code"]) == (403, "device_revoked")
    allowed = await api.post(f"{url}/d-1/allow", headers={**headers, "Idempotency-Key": "allow-d-1"})
    assert (allowed.status_code, allowed.json()["revoked_at"]) == (200, None)
    assert (await api.put(f"{url}/d-1", json=APPLE, headers=headers)).status_code == 200


@pytest.mark.parametrize("wrong", ["a b", "a/b", "手机", "a\n", "", "x" * 65])
async def test_a_device_that_no_path_could_name_signs_nobody_in(api: httpx.AsyncClient, wrong: str) -> None:
    for url, body in (
        ("/v1/auth/investor/sign-in", {"login": "88000001", "password": "x", "device": {"device_id": wrong}}),
        ("/v1/auth/investor/code", {"login": "88000001", "device_id": wrong}),
    ):
        answer = await api.post(url, json=body)
        assert answer.status_code == 400, answer.text
        assert answer.json()["errors"][0]["field"].endswith("device_id")


@pytest.mark.parametrize(
    ("who", "audience", "whose"), [("1001", "staff", "people/1001"), ("88000001", "investor", "customers/88000001")]
)
async def test_an_administrator_revokes_and_allows_devices_of_others_and_says_why(
    api: httpx.AsyncClient, house: Brokerage, who: str, audience: Audience, whose: str
) -> None:
    theirs, admin = await house.headers(who, audience, "d-1"), await house.headers("1010")
    url, why = f"/v1/staff/{whose}/devices", {"reason": "the phone was lost"}
    await api.put(f"/v1/{audience}/devices/d-1", json=APPLE, headers=theirs)
    assert (await api.delete(f"{url}/d-1", headers=admin)).status_code == 400, "without a reason"
    assert (await api.delete(f"{url}/d-1", params=why, headers=admin)).status_code == 204
    assert [one["device_id"] for one in (await api.get(f"{url}?revoked=true", headers=admin)).json()] == ["d-1"]
    assert (await api.get(url, headers=admin)).json() == []
    async with house.database.transaction() as tx:
        assert await tx.fetchval("select count(*) from session where device_id = 'd-1' and revoked_at is null") == 0
    given = {**admin, "Idempotency-Key": "allow-d-1"}
    assert (await api.post(f"{url}/d-1/allow", params=why, headers=given)).status_code == 200
    async with house.database.transaction() as tx:
        rows = await tx.fetch("select action, principal, reason from audit where reason = $1", why["reason"])
    assert [tuple(row) for row in rows] == [
        (f"device.{one}", "staff:1010", "the phone was lost") for one in ("revoke", "allow")
    ]
    for stranger in ("1005", "1009"):
        assert (await api.get(url, headers=await house.headers(stranger))).status_code == 403
    assert (await api.get("/v1/staff/people/9999/devices", headers=admin)).status_code == 404


async def test_devices_of_others_are_not_there(api: httpx.AsyncClient, house: Brokerage) -> None:
    mine, other = await house.headers("1001"), await house.headers("1002")
    await api.put("/v1/staff/devices/d-1", json=APPLE, headers=mine)
    assert (await api.get("/v1/staff/devices", headers=other)).json() == []
    assert (await api.delete("/v1/staff/devices/d-1", headers=other)).status_code == 404


@pytest.mark.parametrize(
    "wrong", [{"vendor": "apns"}, {"push_token": TOKEN}, {"vendor": "nokia", "push_token": TOKEN}, {"app_version": "x"}]
)
async def test_half_a_push_address_is_refused(api: httpx.AsyncClient, house: Brokerage, wrong: dict[str, str]) -> None:
    answer = await api.put("/v1/staff/devices/d-1", json=wrong, headers=await house.headers("1001"))
    assert answer.status_code == 400


async def test_there_are_so_many_devices_and_no_more(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers = await house.headers("1001")
    for number in range(20):
        assert (await api.put(f"/v1/staff/devices/d-{number}", json={}, headers=headers)).status_code == 200
    assert (await api.put("/v1/staff/devices/d-21", json={}, headers=headers)).status_code == 400
    assert (await api.put("/v1/staff/devices/d-3", json={}, headers=headers)).status_code == 200
    assert (await api.delete("/v1/staff/devices/d-4", headers=headers)).status_code == 204
    assert (await api.put("/v1/staff/devices/d-21", json={}, headers=headers)).status_code == 200


async def test_a_token_at_rest_is_sealed(api: httpx.AsyncClient, house: Brokerage, database: Database) -> None:
    await api.put("/v1/staff/devices/d-1", json=APPLE, headers=await house.headers("1001"))
    async with database.transaction() as tx:
        await tx.execute("select set_config('hexad.scope', 'company', true)")
        row = await tx.fetchrow("select push_token from device")
        log = await tx.fetchval("select string_agg(audit::text || payload::text, '') from audit, outbox")
    assert row is not None
    assert TOKEN.encode() not in row[0]
    assert TOKEN not in log
