"""People see where they are signed in and end it; administrators do so for others, and say why."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from identity import principal
from kernel.settings import Settings
from kernel.store.database import Database
from mobile_contracts.event import SessionEnded
from tests.api.conftest import Open, hears
from tests.brokerage import Brokerage, small

OWN = "/v1/staff/sessions"
WHY = {"reason": "the phone was lost"}


@pytest.fixture
async def house(database: Database, own_settings: Settings) -> Brokerage:
    """Two branches with people in every role and six customers."""
    return await small(database, own_settings)


async def sessions(api: httpx.AsyncClient, headers: dict[str, str], url: str = OWN) -> list[dict[str, Any]]:
    answer = await api.get(url, headers=headers)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_one_sees_where_one_is_signed_in_the_newest_first(api: httpx.AsyncClient, house: Brokerage) -> None:
    await house.execute(
        "insert into device (audience, subject, device_id, name) values ('staff', '1001', 'pad', '平板')"
    )
    phone, _ = await house.headers("1001"), await house.headers("1002")
    await house.headers("1001", device_id="pad")
    found = await sessions(api, phone)
    assert [(one["device_id"], one["device_name"], one["current"]) for one in found] == [
        ("pad", "平板", False), ("phone-1", "", True),
    ]  # fmt: skip
    await house.execute("update session set expires_at = now() where device_id = 'pad'")
    assert len(await sessions(api, phone)) == 1


async def test_pages_show_every_session_once(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers = await house.headers("1001", device_id="d0")
    for number in range(1, 5):
        await house.headers("1001", device_id=f"d{number}")
    found, cursor = [], None
    while True:
        query = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = (await api.get(OWN, params=query, headers=headers)).json()
        found += [one["device_id"] for one in page["items"]]
        await house.headers("1001", device_id="later")
        if (cursor := page["next"]) is None:
            break
    assert found == ["d4", "d3", "d2", "d1", "d0"]


async def test_one_ends_a_session_at_once_and_only_ones_own(
    open_api: Open, own_settings: Settings, house: Brokerage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(principal, "REMEMBERED_SECONDS", 600)
    async with open_api(own_settings) as api:
        phone, pad = await house.headers("1001"), await house.headers("1001", device_id="pad")
        other = await house.headers("1002")
        await sessions(api, pad)
        (of_other,) = await sessions(api, other)
        (of_pad, _) = await sessions(api, phone)
        for session_id, status in ((of_other["id"], 404), (uuid4(), 404), (of_pad["id"], 204), (of_pad["id"], 204)):
            answer = await api.delete(f"{OWN}/{session_id}", headers=phone)
            assert (answer.status_code, status) == (status, answer.status_code)
        hears(api, SessionEnded(session_id=UUID(of_pad["id"])))
        assert (await api.get(OWN, headers=pad)).status_code == 401
        assert len(await sessions(api, other)) == 1


async def test_an_investor_sees_and_ends_their_own(api: httpx.AsyncClient, house: Brokerage) -> None:
    investor = await house.headers("88000001", "investor")
    await house.headers("88000001", "staff")
    await house.headers("88000001", "investor", device_id="pad")
    found = await sessions(api, investor, "/v1/investor/sessions")
    assert [one["device_id"] for one in found] == ["pad", "phone-1"]
    answer = await api.delete(f"/v1/investor/sessions/{found[0]['id']}", headers=investor)
    assert answer.status_code == 204
    assert len(await sessions(api, investor, "/v1/investor/sessions")) == 1


@pytest.mark.parametrize(
    ("url", "subject", "audience"),
    [("/v1/staff/people/1001", "1001", "staff"), ("/v1/staff/customers/88000001", "88000001", "investor")],
)
async def test_an_administrator_ends_them_for_others_with_a_reason(
    api: httpx.AsyncClient, house: Brokerage, url: str, subject: str, audience: Any
) -> None:
    administrator = await house.headers("1010")
    for device in ("a", "b", "c"):
        await house.headers(subject, audience, device_id=device)
    found = await sessions(api, administrator, f"{url}/sessions")
    assert [(one["device_id"], one["current"]) for one in found] == [("c", False), ("b", False), ("a", False)]
    one = f"{url}/sessions/{found[0]['id']}"
    without = await api.delete(one, headers=administrator)
    assert (without.status_code, without.json()["errors"][0]["field"]) == (400, "reason")
    for wrong in ("x" * 201, "      ", "a b", "\u3000" * 5):
        assert (await api.delete(one, params={"reason": wrong}, headers=administrator)).status_code == 400
    assert (await api.delete(one, params=WHY, headers=administrator)).status_code == 204
    assert [one["device_id"] for one in await sessions(api, administrator, f"{url}/sessions")] == ["b", "a"]
    assert (await api.delete(f"{url}/sessions", params=WHY, headers=administrator)).status_code == 204
    assert await sessions(api, administrator, f"{url}/sessions") == []
    async with house.database.transaction() as tx:
        rows = await tx.fetch("select distinct principal, action, reason from audit")
        assert await tx.fetchval("select count(*) from outbox where kind = 'SessionEnded'") == 3
    assert [tuple(row) for row in rows] == [("staff:1010", "session.end", WHY["reason"])]


async def test_somebody_elses_session_is_not_ended_under_a_wrong_name(api: httpx.AsyncClient, house: Brokerage) -> None:
    administrator = await house.headers("1010")
    await house.headers("1001")
    (found,) = await sessions(api, administrator, "/v1/staff/people/1001/sessions")
    for url in ("/v1/staff/people/1002", "/v1/staff/people/9999", "/v1/staff/customers/88000001"):
        answer = await api.delete(f"{url}/sessions/{found['id']}", params=WHY, headers=administrator)
        assert answer.status_code == 404
    for url in ("/v1/staff/people/9999", "/v1/staff/customers/9999"):
        assert (await api.get(f"{url}/sessions", headers=administrator)).status_code == 404
        assert (await api.delete(f"{url}/sessions", params=WHY, headers=administrator)).status_code == 404


async def test_nobody_else_sees_or_ends_sessions_of_others(api: httpx.AsyncClient, house: Brokerage) -> None:
    for who in ("1001", "1005", "1008", "1009"):
        headers = await house.headers(who)
        for url in ("/v1/staff/people/1002", "/v1/staff/customers/88000001"):
            answers = [
                await api.get(f"{url}/sessions", headers=headers),
                await api.delete(f"{url}/sessions", params=WHY, headers=headers),
                await api.delete(f"{url}/sessions/{uuid4()}", params=WHY, headers=headers),
            ]
            assert {one.status_code for one in answers} == {403}
