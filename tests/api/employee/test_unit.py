"""Administrators change the organisation while people work: in effect at once, told where it does not fit."""

import asyncio
from typing import Any

import httpx
import pytest

from identity import principal
from kernel.settings import Settings
from kernel.store.database import Database
from mobile_contracts.event import OrganisationChanged
from tests.api.conftest import Open, hears
from tests.brokerage import Brokerage, small
from tests.centers.employee.test_unit import naive

URL = "/v1/staff/units"


@pytest.fixture
async def house(database: Database, own_settings: Settings) -> Brokerage:
    """Two branches with people in every role and six customers."""
    return await small(database, own_settings)


async def create(
    api: httpx.AsyncClient, headers: dict[str, str], kind: str, code: str, parent: int, key: str = ""
) -> httpx.Response:
    wanted = {"kind": kind, "code": code, "name": f"{kind} {code}", "parent_id": parent}
    return await api.post(URL, json=wanted, headers={**headers, "Idempotency-Key": key or f"create-{kind}-{code}"})


async def move(
    api: httpx.AsyncClient, headers: dict[str, str], unit: int, parent: int | None, tag: str = "*", name: str = "moved"
) -> httpx.Response:
    return await api.put(
        f"{URL}/{unit}", json={"name": name, "parent_id": parent}, headers={**headers, "If-Match": tag}
    )


async def merge(api: httpx.AsyncClient, headers: dict[str, str], unit: int, into: int) -> httpx.Response:
    return await api.post(
        f"{URL}/{unit}/merge", json={"into": into}, headers={**headers, "Idempotency-Key": f"merge-{unit}-{into}"}
    )


async def end(api: httpx.AsyncClient, headers: dict[str, str], unit: int, key: str = "") -> httpx.Response:
    return await api.post(f"{URL}/{unit}/end", headers={**headers, "Idempotency-Key": key or f"end-unit-{unit}"})


async def every(api: httpx.AsyncClient, headers: dict[str, str], **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    asked = {name: str(value) for name, value in {"limit": 3, **query}.items()}
    while True:
        answer = await api.get(URL, params=asked, headers=headers)
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        if answer.json()["next"] is None:
            return items
        asked["cursor"] = answer.json()["next"]


async def seen(api: httpx.AsyncClient, headers: dict[str, str]) -> set[str]:
    """The last digits of the customers that somebody sees."""
    items = (await api.get("/v1/staff/customers", headers=headers)).json()["items"]
    return {one["customer_no"][-1] for one in items}


async def test_units_come_from_the_company_down_with_those_who_work_there(
    api: httpx.AsyncClient, house: Brokerage
) -> None:
    await house.execute("update employee set left_on = current_date where employee_no = '1002'")
    headers = await house.headers("1010")
    units = await every(api, headers)
    assert [one["code"] for one in units] == ["company", "north", "south", "b1", "b2", "t1", "t2"]
    assert {one["code"]: one["employees"] for one in units} == {
        "company": 10, "north": 7, "south": 3, "b1": 7, "b2": 3, "t1": 2, "t2": 1,
    }  # fmt: skip
    assert [one["code"] for one in await every(api, headers, kind="team")] == ["t1", "t2"]
    assert [one["code"] for one in await every(api, headers, parent=house.units["north"])] == ["b1"]
    await house.execute("update unit set ended_on = current_date where code = 't2'")
    assert [one["code"] for one in await every(api, headers, ended=True)] == ["t2"]
    assert len(await every(api, headers, ended=False)) == 6


async def test_a_new_team_stands_below_its_branch_and_is_made_once(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers = await house.headers("1010")
    first = await create(api, headers, "team", "t9", house.units["b2"])
    again = await create(api, headers, "team", "t9", house.units["b2"])
    assert (first.status_code, first.json()["placed_by"]) == (201, "staff")
    assert again.content == first.content
    unit = f"{URL}/{first.json()['id']}"
    read = await api.get(unit, headers=headers)
    assert (read.json(), read.headers["etag"]) == (first.json(), first.headers["etag"])
    taken = await create(api, headers, "team", "t9", house.units["b1"], key="another-key")
    assert (taken.status_code, taken.json()["errors"][0]["field"]) == (400, "code")
    for kind, code, parent in (("region", "east", "company"), ("branch", "b9", "north")):
        assert (await create(api, headers, kind, code, house.units[parent])).status_code == 201


@pytest.mark.parametrize(
    ("kind", "parent"),
    [("team", "north"), ("team", "t1"), ("branch", "company"), ("branch", "b1"), ("region", "north"), ("team", "gone")],
)
async def test_a_unit_that_does_not_fit_there_is_refused(
    api: httpx.AsyncClient, house: Brokerage, kind: str, parent: str
) -> None:
    await house.unit("branch", "gone", "north")
    await house.execute("update unit set ended_on = '2026-01-01' where code = 'gone'")
    answer = await create(api, await house.headers("1010"), kind, "new", house.units[parent])
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "parent_id")
    async with house.database.transaction() as tx:
        assert await tx.fetchval("select count(*) from unit where code = 'new'") == 0


async def test_what_is_no_unit_at_all_is_refused(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers = {**await house.headers("1010"), "If-Match": "*", "Idempotency-Key": "no-unit-at-all"}
    right: dict[str, Any] = {"kind": "team", "code": "x", "name": "x", "parent_id": house.units["b1"]}
    for field, value in (
        ("kind", "company"), ("code", "a b"), ("code", "x" * 21), ("code", ""), ("name", ""), ("name", "\x1b[2J"),
        ("parent_id", 0), ("parent_id", 2**31), ("parent_id", None), ("parent_id", "1"),
    ):  # fmt: skip
        answer = await api.post(URL, json={**right, field: value}, headers=headers)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field), (field, value)
    for number in ("0", str(2**31), "9" * 5000, "-1", "x"):
        for answer in (
            await api.get(f"{URL}/{number}", headers=headers),
            await api.put(f"{URL}/{number}", json={"name": "x", "parent_id": 1}, headers=headers),
        ):
            assert answer.status_code in (400, 404), number
    assert (await api.get(f"{URL}/999999", headers=headers)).status_code == 404
    assert (await merge(api, headers, 999999, house.units["b1"])).status_code == 404
    assert (await merge(api, headers, house.units["b1"], 999999)).json()["errors"][0]["field"] == "into"


async def test_a_team_that_moves_takes_its_people_along_at_once(
    open_api: Open, own_settings: Settings, house: Brokerage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(principal, "REMEMBERED_SECONDS", 600)
    await house.assign("1003", "branch_manager")
    async with open_api(own_settings) as api:
        administrator, person = await house.headers("1010"), await house.headers("1003")
        assert await seen(api, person) == set("12345")
        read = await api.get(f"{URL}/{house.units['t2']}", headers=administrator)
        assert read.json()["placed_by"] == "feed"
        moved = await move(api, administrator, house.units["t2"], house.units["b2"], read.headers["etag"])
        assert (moved.status_code, moved.json()["placed_by"]) == (200, "staff")
        hears(api, OrganisationChanged())
        assert await seen(api, person) == set("6")


async def test_every_change_is_told_and_recorded(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers = await house.headers("1010")
    await move(api, headers, house.units["t2"], house.units["b2"])
    await move(api, headers, house.units["t2"], house.units["b2"])
    await create(api, headers, "team", "t9", house.units["b2"])
    async with house.database.transaction() as tx:
        told = await tx.fetchval("select count(*) from outbox where kind = 'OrganisationChanged'")
        rows = await tx.fetch("select principal, action, before ->> 'parent_id', after ->> 'parent_id' from audit")
    above = {name: str(number) for name, number in house.units.items()}
    assert told == 2, "what changes nothing is not told"
    assert [tuple(row) for row in rows] == [
        ("staff:1010", "unit.change", above["b1"], above["b2"]), ("staff:1010", "unit.create", None, above["b2"]),
    ]  # fmt: skip


async def test_the_slower_of_two_administrators_is_told_what_collides(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers, unit = await house.headers("1010"), house.units["t2"]
    tag = (await api.get(f"{URL}/{unit}", headers=headers)).headers["etag"]
    assert (await move(api, headers, unit, house.units["b1"], tag, name="renamed")).status_code == 200
    slower = await move(api, headers, unit, house.units["b2"], tag, name="mine")
    assert (slower.status_code, slower.json()["errors"][0]["field"]) == (412, "name")
    assert (await api.put(f"{URL}/{unit}", json={"name": "x", "parent_id": 1}, headers=headers)).status_code == 428


async def test_of_two_at_the_same_moment_one_wins(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers, unit = await house.headers("1010"), house.units["t2"]
    tag = (await api.get(f"{URL}/{unit}", headers=headers)).headers["etag"]
    answers = await asyncio.gather(
        *(move(api, headers, unit, house.units["b2"], tag, name=f"by {number}") for number in range(4))
    )
    assert sorted(one.status_code for one in answers) == [200, 412, 412, 412]


async def test_two_branches_merged_into_one_another_at_once_do_not_make_a_ring(
    api: httpx.AsyncClient, house: Brokerage
) -> None:
    headers, (one, other) = await house.headers("1010"), (house.units["b1"], house.units["b2"])
    answers = await asyncio.gather(merge(api, headers, one, other), merge(api, headers, other, one))
    assert sorted(answer.status_code for answer in answers) == [200, 400]


async def test_many_editors_at_once_leave_a_tree_and_a_closure_that_fit(
    api: httpx.AsyncClient, house: Brokerage
) -> None:
    for number in range(6):
        await house.unit("branch", f"c{number}", "north")
    headers, of = await house.headers("1010"), house.units
    answers = await asyncio.gather(
        *(merge(api, headers, of[f"c{number}"], of[f"c{(number + 1) % 6}"]) for number in range(6)),
        *(move(api, headers, of[f"c{number}"], of["south"], name=f"c{number}") for number in range(6)),
        *(create(api, headers, "team", f"x{number}", of[f"c{number}"]) for number in range(6)),
    )
    assert {one.status_code for one in answers} <= {200, 201, 400}
    async with house.database.transaction() as tx:
        parents = {row[0]: row[1] for row in await tx.fetch("select id, parent_id from unit")}
        closure = {tuple(row) for row in await tx.fetch("select ancestor_id, unit_id, depth from unit_under")}
    assert closure == set(naive(parents))


async def test_a_merged_branch_is_reached_by_the_other_with_its_teams_and_people(
    api: httpx.AsyncClient, house: Brokerage
) -> None:
    headers = await house.headers("1010")
    merged = await merge(api, headers, house.units["b1"], house.units["b2"])
    again = await merge(api, headers, house.units["b1"], house.units["b2"])
    assert (merged.status_code, merged.json()["parent_id"]) == (200, house.units["b2"])
    assert merged.json()["ended_on"] is not None
    assert again.content == merged.content
    assert await seen(api, await house.headers("1006")) == set("123456")
    assert await seen(api, await house.headers("1005")) == set("123456"), "the manager stands in the other now"
    teams = await every(api, headers, parent=house.units["b2"])
    assert [one["code"] for one in teams] == ["b1", "t1", "t2"]
    async with house.database.transaction() as tx:
        rows = await tx.fetch("select action, noun_id, after -> 'employees' as people from audit order by id")
    assert [row["action"] for row in rows] == ["unit.change", "unit.change", "unit.move_employees", "unit.merge"]
    assert rows[2]["people"] == '["1005", "1008", "1009", "1010"]'


async def test_a_role_over_a_merged_branch_goes_over_to_the_other(api: httpx.AsyncClient, house: Brokerage) -> None:
    await house.employee("1011", "north", "branch_manager@b1", "team_leader@b1")
    await house.employee("1012", "north", "branch_manager@b2", "team_leader@t1")
    headers = await house.headers("1010")
    assert await seen(api, await house.headers("1011")) == set("12345")
    await merge(api, headers, house.units["b1"], house.units["b2"])
    for who in ("1011", "1012"):
        assert await seen(api, await house.headers(who)) == set("123456")
    roles = (await api.get("/v1/staff/people/1011/roles", headers=headers)).json()["roles"]
    assert [(one["role"], one["unit_id"]) for one in roles] == [
        ("branch_manager", house.units["b2"]), ("team_leader", house.units["b2"]),
    ]  # fmt: skip
    async with house.database.transaction() as tx:
        moved = await tx.fetchval("select after -> 'employees' from audit where action = 'unit.move_roles'")
    assert moved == '["1011"]'


async def test_a_branch_that_was_merged_takes_nothing_in_and_a_move_undoes_it(
    api: httpx.AsyncClient, house: Brokerage
) -> None:
    headers, (one, other, north) = await house.headers("1010"), (house.units[name] for name in ("b1", "b2", "north"))
    await merge(api, headers, one, other)
    assert (await create(api, headers, "team", "t9", one)).status_code == 400
    assert (await move(api, headers, house.units["t1"], one)).json()["errors"][0]["field"] == "parent_id"
    assert (await move(api, headers, one, other, name="renamed")).status_code == 400
    assert (await merge(api, headers, other, one)).status_code == 400
    back = await move(api, headers, one, north)
    assert (back.status_code, back.json()["ended_on"], back.json()["parent_id"]) == (200, None, north)
    assert await seen(api, await house.headers("1006")) == set("6")
    assert (await move(api, headers, house.units["t1"], one)).status_code == 200


async def test_a_unit_ends_when_nothing_stands_in_it_any_more(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers, unit = await house.headers("1010"), house.units["b2"]
    full = await end(api, headers, unit)
    assert (full.status_code, full.json()["code"]) == (409, "not_empty")
    assert full.json()["detail"] == "open units below it: 0, employees: 3, customers: 1"
    await house.execute("update employee set left_on = current_date where unit_id = $1", unit)
    assert "employees: 0, customers: 1" in (await end(api, headers, unit, "end-again-1")).json()["detail"]
    await house.execute("update customer set status = 'closed' where branch_id = $1", unit)
    done = await end(api, headers, unit, "end-again-2")
    assert (done.status_code, done.json()["placed_by"]) == (200, "staff")
    assert done.json()["ended_on"] is not None
    assert (await end(api, headers, unit, "end-again-2")).content == done.content
    assert (await end(api, headers, unit, "end-again-3")).status_code == 400
    assert (await create(api, headers, "team", "t9", unit)).status_code == 400
    assert (await end(api, headers, house.units["south"])).status_code == 200


async def test_open_units_below_and_customers_of_merged_branches_hold_a_unit_open(
    api: httpx.AsyncClient, house: Brokerage
) -> None:
    headers = await house.headers("1010")
    below = (await end(api, headers, house.units["south"])).json()["detail"]
    assert below == "open units below it: 1, employees: 3, customers: 1"
    await house.execute("update employee set left_on = current_date where unit_id = $1", house.units["b2"])
    await merge(api, headers, house.units["b2"], house.units["b1"])
    assert "customers: 6" in (await end(api, headers, house.units["b1"])).json()["detail"]
    assert (await end(api, headers, house.units["company"])).status_code == 400
    assert (await end(api, headers, 999_999)).status_code == 404


async def test_a_unit_that_its_feed_ended_stays_as_it_is(api: httpx.AsyncClient, house: Brokerage) -> None:
    await house.execute("update unit set ended_on = '2026-01-01' where code = 't1'")
    answer = await move(api, await house.headers("1010"), house.units["t1"], house.units["b2"])
    assert (answer.status_code, answer.json()["detail"]) == (400, "this unit ended on 2026-01-01")


async def test_a_branch_is_only_merged_into_another_branch(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers = await house.headers("1010")
    for unit, into in (("b1", "b1"), ("b1", "north"), ("t1", "b2"), ("b1", "t1"), ("company", "b1")):
        answer = await merge(api, headers, house.units[unit], house.units[into])
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "into"), (unit, into)


async def test_the_company_can_be_renamed_and_nothing_else(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers, company = await house.headers("1010"), house.units["company"]
    assert (await move(api, headers, company, None, name="六面证券")).json()["name"] == "六面证券"
    assert (await move(api, headers, company, house.units["north"])).status_code == 400
    assert (await move(api, headers, house.units["b1"], None)).status_code == 400
    feed = await api.post(f"{URL}/{company}/place-by-feed", headers={**headers, "Idempotency-Key": "give-back-1"})
    assert feed.status_code == 400


async def test_a_unit_is_given_back_to_its_feed(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers, unit = await house.headers("1010"), house.units["t2"]
    await move(api, headers, unit, house.units["b2"])
    for key in ("give-back-1", "give-back-2"):
        back = await api.post(f"{URL}/{unit}/place-by-feed", headers={**headers, "Idempotency-Key": key})
        assert (back.status_code, back.json()["placed_by"]) == (200, "feed")
        assert back.json()["parent_id"] == house.units["b2"], "until the next delivery says otherwise"


async def test_nobody_else_reads_or_changes_it_but_who_writes_to_branches_reads_it(
    api: httpx.AsyncClient, house: Brokerage
) -> None:
    unit = house.units["t2"]
    for who, status in (("1001", 403), ("1005", 403), ("1008", 200), ("1009", 403)):
        headers = await house.headers(who)
        for path in (URL, f"{URL}/{unit}"):
            assert (await api.get(path, headers=headers)).status_code == status
        answers = [
            await create(api, headers, "team", "t9", house.units["b2"]),
            await move(api, headers, unit, house.units["b2"]),
            await merge(api, headers, house.units["b1"], house.units["b2"]),
            await end(api, headers, unit),
            await api.post(f"{URL}/{unit}/place-by-feed", headers={**headers, "Idempotency-Key": "give-back-1"}),
        ]
        assert {one.status_code for one in answers} == {403}
