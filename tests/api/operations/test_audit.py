"""The audit log is searched within bounds, shows nobody's personal data, and notes who searched it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest

from kernel.events.outbox import Record, record
from kernel.security.scope import apply_system
from kernel.settings import Settings
from kernel.store.database import Database
from tests.brokerage import Brokerage, small

URL = "/v1/staff/audit"


class Card(msgspec.Struct):
    """A state that a careless writer recorded."""

    mobile: str | None
    address: str
    note: str
    more: list[dict[str, str]]
    version: int = 1


@pytest.fixture
async def house(database: Database, own_settings: Settings) -> Brokerage:
    """Two branches with people in every role and six customers."""
    return await small(database, own_settings)


async def write(database: Database, count: int = 1, **changed: Any) -> None:
    """Rows as a job would write them."""
    async with database.transaction() as tx:
        await apply_system(tx, "test", request_id="r-1")
        for number in range(count):
            row = {"action": "change", "noun": "card", "noun_id": str(number), **changed}
            await record(tx, Record(**row))


async def search(api: httpx.AsyncClient, headers: dict[str, str], **query: Any) -> list[dict[str, Any]]:
    """All rows found, page after page."""
    items: list[dict[str, Any]] = []
    asked = {name: str(value) for name, value in {"limit": 3, **query}.items()}
    while True:
        answer = await api.get(URL, params=asked, headers=headers)
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        if answer.json()["next"] is None:
            return items
        asked["cursor"] = answer.json()["next"]


async def test_rows_are_found_by_thing_principal_and_action_the_newest_first(
    api: httpx.AsyncClient, house: Brokerage
) -> None:
    await write(house.database, 5)
    await write(house.database, 2, action="reveal", noun="customer")
    headers = await house.headers("1010")
    found = await search(api, headers, principal="system:test")
    assert [one["noun_id"] for one in found] == ["1", "0", "4", "3", "2", "1", "0"]
    assert (found[0]["action"], found[0]["request_id"]) == ("reveal", "r-1")
    assert len(await search(api, headers, noun="card", noun_id="3")) == 1
    assert len(await search(api, headers, noun="card", noun_id="3", principal="staff:1")) == 0
    assert len(await search(api, headers, noun="card")) == 5
    assert len(await search(api, headers, action="reveal")) == 2
    assert len(await search(api, headers, action="reveal", noun="card")) == 0
    assert len(await search(api, headers, principal="system:test", action="change", noun="card")) == 5


async def test_a_time_bounds_the_search(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers = await house.headers("1009")
    await write(house.database, 1)
    between = datetime.now(UTC)
    await write(house.database, 2)
    begin, later = between - timedelta(hours=1), between + timedelta(hours=1)
    for first, last, count in ((begin, between, 1), (between, later, 2), (begin, later, 3)):
        asked = {"from": first.isoformat(), "to": last.isoformat()}
        assert len(await search(api, headers, principal="system:test", **asked)) == count
    last_month = {"to": (between - timedelta(days=30)).isoformat()}
    assert await search(api, headers, principal="system:test", **last_month) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "2026-01-01T00:00:00+08:00", "to": "2026-01-01T00:00:00+08:00"}, "from"),
        ({"from": "2024-01-01T00:00:00+08:00", "to": "2026-01-01T00:00:00+08:00"}, "from"),
        ({"from": "2026-01-01T00:00:00"}, "from"),
        ({"to": "0001-01-01T00:00:00Z"}, "to"),
        ({"to": "9999-12-31T23:59:59-12:00"}, "to"),
        ({"to": "yesterday"}, "to"),
        ({"noun_id": "3"}, "noun"),
        ({"principal": "x" * 101}, "principal"),
    ],
)
async def test_a_search_without_sense_is_refused_by_field(
    api: httpx.AsyncClient, house: Brokerage, query: dict[str, str], field: str
) -> None:
    answer = await api.get(URL, params=query, headers=await house.headers("1010"))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


async def test_personal_data_is_hidden_even_where_it_was_recorded(api: httpx.AsyncClient, house: Brokerage) -> None:
    card = Card("13800138000", "长安街1号", "call 13800138000, a@example.com", [{"wechat": "wx-zhang"}])
    await write(house.database, after=card, reason="asked by 13800138000")
    answer = await api.get(URL, params={"noun": "card"}, headers=await house.headers("1010"))
    for secret in ("13800138000", "长安街", "a@example.com", "wx-zhang"):
        assert secret not in answer.text
    (row,) = answer.json()["items"]
    assert (row["before"], row["after"]["version"], row["after"]["mobile"]) == (None, 1, "[hidden]")
    assert row["reason"] == "asked by [mobile]"


async def test_every_search_is_a_row_of_the_log(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers = await house.headers("1009")
    await api.get(URL, params={"noun": "card", "noun_id": "7"}, headers=headers)
    (row,) = await search(api, await house.headers("1010"), action="audit.search", principal="staff:1009")
    assert (row["after"]["noun"], row["after"]["noun_id"]) == ("card", "7")


async def test_who_reads_on_while_others_write_sees_every_row_once(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers = await house.headers("1010")
    await write(house.database, 7)
    found, cursor = [], None
    while True:
        query = {"limit": "2", "noun": "card", **({"cursor": cursor} if cursor else {})}
        page = (await api.get(URL, params=query, headers=headers)).json()
        found += [one["noun_id"] for one in page["items"]]
        await write(house.database, 3)
        if (cursor := page["next"]) is None:
            break
    assert found == ["6", "5", "4", "3", "2", "1", "0"]


async def test_only_administrators_and_compliance_search(api: httpx.AsyncClient, house: Brokerage) -> None:
    for who in ("1001", "1004", "1005", "1007", "1008"):
        assert (await api.get(URL, headers=await house.headers(who))).status_code == 403
