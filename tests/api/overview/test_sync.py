"""A phone that follows the changes has what a phone that begins afresh has, whatever happened in between."""

import random
from datetime import timedelta
from typing import Any

import httpx
import pytest

from kernel.calendar import days
from kernel.security.scope import Audience
from kernel.settings import Settings
from kernel.store.database import Database
from kernel.store.lineage import restored
from tests.api.conftest import Open
from tests.brokerage import Brokerage, small

URL = "/v1/staff/sync"


class Phone:
    """What one phone has: customers by id, and its cursor."""

    def __init__(self, api: httpx.AsyncClient, headers: dict[str, str], limit: int = 2) -> None:
        self.api, self.headers, self.limit = api, headers, limit
        self.customers: dict[int, dict[str, Any]] = {}
        self.cursor, self.parts, self.resyncs = "", 0, 0

    async def follow(self) -> None:
        """Asks until there is no more."""
        more = True
        while more:
            query = {"limit": str(self.limit), **({"cursor": self.cursor} if self.cursor else {})}
            answer = await self.api.get(URL, params=query, headers=self.headers)
            assert answer.status_code == 200, answer.text
            told = answer.json()
            if told["resync"]:
                self.customers, self.resyncs = {}, self.resyncs + 1
            for one in told["gone"]:
                self.customers.pop(one["id"], None)
            self.customers |= {one["id"]: one for one in told["changed"]}
            self.cursor, more, self.parts = told["cursor"], told["more"], self.parts + 1


@pytest.fixture
async def house(database: Database, own_settings: Settings) -> Brokerage:
    """Two branches with people in every role and six customers."""
    return await small(database, own_settings)


async def test_first_all_then_nothing_then_what_changed(api: httpx.AsyncClient, house: Brokerage) -> None:
    phone = Phone(api, await house.headers("1001"))
    await phone.follow()
    assert {one["customer_no"] for one in phone.customers.values()} == {"88000001", "88000002", "88000003"}
    assert phone.parts == 2
    await house.execute(
        "update customer set name = '王新', changed_in = pg_current_xact_id() where customer_no = '88000002'"
    )
    changed = await api.get(URL, params={"cursor": phone.cursor}, headers=phone.headers)
    assert [one["name"] for one in changed.json()["changed"]] == ["王新"]
    await phone.follow()
    quiet = await api.get(URL, params={"cursor": phone.cursor}, headers=phone.headers)
    assert (quiet.json()["changed"], quiet.json()["gone"]) == ([], [])


async def test_a_cursor_of_somebody_else_too_old_or_made_up_is_not_followed(
    api: httpx.AsyncClient, house: Brokerage, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone, other = Phone(api, await house.headers("1001")), await house.headers("1002")
    await phone.follow()
    foreign = await api.get(URL, params={"cursor": phone.cursor}, headers=other)
    assert (foreign.json()["resync"], foreign.json()["changed"]) == (True, [])
    assert (await api.get(URL, params={"cursor": "e30"}, headers=other)).status_code == 400
    today = days.today()
    monkeypatch.setattr(days, "today", lambda: today + timedelta(days=31))
    assert (await api.get(URL, params={"cursor": phone.cursor}, headers=phone.headers)).json()["resync"]


@pytest.mark.parametrize("audience", ["staff", "investor"])
async def test_after_a_restore_a_phone_begins_afresh(
    open_api: Open, own_settings: Settings, house: Brokerage, audience: Audience
) -> None:
    headers = await house.headers("1001" if audience == "staff" else "88000001", audience)
    url = f"/v1/{audience}/sync"
    async with open_api(own_settings) as api:
        cursor = (await api.get(url, headers=headers)).json()["cursor"]
        assert not (await api.get(url, params={"cursor": cursor}, headers=headers)).json()["resync"]
        before_there_were_epochs = cursor.rpartition(".")[2]
    await restored(own_settings.owner_url, "the disk was lost")
    async with open_api(own_settings) as api:
        for held in (cursor, before_there_were_epochs):
            assert (await api.get(url, params={"cursor": held}, headers=headers)).json()["resync"]


@pytest.mark.parametrize(("who", "audience"), [("1001", "staff"), ("88000001", "investor")])
async def test_an_empty_cursor_begins_afresh(
    api: httpx.AsyncClient, house: Brokerage, who: str, audience: Audience
) -> None:
    headers = await house.headers(who, audience)
    answers = [await api.get(f"/v1/{audience}/sync{query}", headers=headers) for query in ("", "?cursor=")]
    assert [one.status_code for one in answers] == [200, 200]
    first, empty = ({**one.json(), "cursor": ""} for one in answers)
    assert first == empty
    assert not empty["resync"]


async def test_somebody_whose_reach_changed_begins_afresh(api: httpx.AsyncClient, house: Brokerage) -> None:
    phone = Phone(api, await house.headers("1001"))
    await phone.follow()
    await house.assign("1001", "branch_manager")
    again = Phone(api, await house.headers("1001"))
    again.cursor, again.customers = phone.cursor, phone.customers
    await again.follow()
    assert again.resyncs == 1
    assert len(again.customers) == 5


CHANGE = "changed_in = pg_current_xact_id()"


class Life:
    """What happens to customers and relations, at random, as a feed would write it."""

    def __init__(self, house: Brokerage, chance: random.Random) -> None:
        self.house, self.chance, self.next = house, chance, 88000100

    async def happen(self) -> None:
        await self.chance.choice([self.rename, self.join, self.relate, self.end, self.move, self.later])()

    def somebody(self) -> str:
        return self.chance.choice([*self.house.customers])

    async def rename(self) -> None:
        await self.house.execute(
            f"update customer set name = $2, {CHANGE} where customer_no = $1",
            self.somebody(), f"名{self.chance.randrange(1000)}",
        )  # fmt: skip

    async def join(self) -> None:
        self.next += 1
        brokers = self.chance.sample(["1001", "1002", "1003"], self.chance.randrange(3))
        await self.house.customer(str(self.next), self.chance.choice(["b1", "b2"]), brokers=brokers)

    async def relate(self) -> None:
        no, broker = self.somebody(), self.chance.choice(["1001", "1002", "1003"])
        kind = self.chance.choice(["develop", "service", "advise"])
        await self.house.execute(
            "insert into relation"
            " (customer_id, employee_id, kind, share, valid_from, branch_id, assets, source, digest)"
            " select id, $2, $3, 1, current_date - $4::int, branch_id, assets, 'counter', '' from customer"
            "  where customer_no = $1 on conflict do nothing",
            no, self.house.employees[broker], kind, self.chance.randrange(1, 400),
        )  # fmt: skip

    async def end(self) -> None:
        await self.house.execute(
            f"update relation set valid_to = current_date, {CHANGE} where valid_to is null"
            " and customer_id = (select id from customer where customer_no = $1)",
            self.somebody(),
        )  # fmt: skip

    async def later(self) -> None:
        await self.house.execute(
            f"update relation set valid_from = current_date + 3, {CHANGE} where valid_to is null"
            " and customer_id = (select id from customer where customer_no = $1)",
            self.somebody(),
        )  # fmt: skip

    async def move(self) -> None:
        no, branch = self.somebody(), self.house.units[self.chance.choice(["b1", "b2"])]
        await self.house.execute(
            "insert into customer_left (branch_id, customer_id) select branch_id, id"
            " from customer where customer_no = $1 and branch_id <> $2"
            " on conflict (branch_id, customer_id) do update set changed_in = pg_current_xact_id()",
            no, branch,
        )  # fmt: skip
        await self.house.execute(
            f"update customer set branch_id = $2, {CHANGE} where customer_no = $1 and branch_id <> $2", no, branch
        )
        await self.house.execute(
            f"update relation set branch_id = $2, {CHANGE} where branch_id <> $2"
            " and customer_id = (select id from customer where customer_no = $1)",
            no, branch,
        )  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
async def test_state_and_changes_are_the_fresh_state(api: httpx.AsyncClient, house: Brokerage, seed: int) -> None:
    chance = random.Random(seed)
    life = Life(house, chance)
    phones = [Phone(api, await house.headers(who), limit=3) for who in ("1001", "1004", "1005", "1007", "1008")]
    for _ in range(8):
        for _ in range(chance.randrange(1, 8)):
            await life.happen()
        for phone in phones:
            await phone.follow()
            fresh = Phone(api, phone.headers, limit=200)
            await fresh.follow()
            assert phone.customers == fresh.customers
    assert all(phone.resyncs == 0 for phone in phones)
    assert any(phone.customers for phone in phones)


async def test_a_terminal_gets_the_parts_that_changed(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers, url = await house.headers("88000001", "investor", "d-1"), "/v1/investor/sync"
    first = (await api.get(url, headers=headers)).json()
    assert first["customer"]["customer_no"] == "88000001"
    assert (first["accounts"], first["devices"], first["contact"]["version"]) == ([], [], 0)

    async def changed(cursor: str) -> set[str]:
        told = (await api.get(url, params={"cursor": cursor}, headers=headers)).json()
        return {name for name, value in told.items() if value not in (None, False) and name != "cursor"}

    assert await changed(first["cursor"]) == set()
    await api.put("/v1/investor/devices/d-1", json={}, headers=headers)
    await api.patch("/v1/investor/contact", json={"wechat": "w"}, headers={**headers, "If-Match": '"0"'})
    assert await changed(first["cursor"]) == {"devices", "contact"}
    await house.execute(f"update customer set name = '王新', {CHANGE} where customer_no = '88000001'")
    await house.execute(f"update customer set name = '李新', {CHANGE} where customer_no = '88000002'")
    assert await changed(first["cursor"]) == {"devices", "contact", "customer"}
    other = await house.headers("88000002", "investor")
    foreign = (await api.get(url, params={"cursor": first["cursor"]}, headers=other)).json()
    assert foreign["resync"]
    assert foreign["customer"] is None
