"""Administrators find people and give them roles, which are in effect at once."""

import asyncio
from typing import Any

import httpx
import pytest

from identity import principal
from kernel.settings import Settings
from kernel.store.database import Database
from mobile_contracts.event import OrganisationChanged, PersonChanged
from tests.api.conftest import Open, hears
from tests.brokerage import Brokerage, small

URL = "/v1/staff/people"


@pytest.fixture
async def house(database: Database, own_settings: Settings) -> Brokerage:
    """Two branches with people in every role and six customers."""
    return await small(database, own_settings)


async def every(api: httpx.AsyncClient, headers: dict[str, str], **query: Any) -> list[str]:
    """The numbers of the employees listed, page after page."""
    found: list[str] = []
    asked = {name: str(value) for name, value in {"limit": 2, **query}.items()}
    while True:
        answer = await api.get(URL, params=asked, headers=headers)
        assert answer.status_code == 200, answer.text
        found += [one["employee_no"] for one in answer.json()["items"]]
        if answer.json()["next"] is None:
            return found
        asked["cursor"] = answer.json()["next"]


async def give(
    api: httpx.AsyncClient, headers: dict[str, str], who: str, *roles: str | dict[str, Any], tag: str = "*"
) -> httpx.Response:
    wanted = [{"role": one} if isinstance(one, str) else one for one in roles]
    return await api.put(f"{URL}/{who}/roles", json={"roles": wanted}, headers={**headers, "If-Match": tag})


async def place(api: httpx.AsyncClient, headers: dict[str, str], who: str, unit: int, tag: str = "*") -> httpx.Response:
    return await api.put(f"{URL}/{who}/unit", json={"unit_id": unit}, headers={**headers, "If-Match": tag})


async def test_people_are_found_by_name_number_unit_role_and_whether_they_left(
    api: httpx.AsyncClient, house: Brokerage
) -> None:
    headers, everybody = await house.headers("1010"), [*(str(number) for number in range(1001, 1011)), "2001"]
    await house.execute("update employee set left_on = current_date, name = '王小明' where employee_no = '1002'")
    await house.execute("update employee set left_on = current_date + 1 where employee_no = '1003'")
    assert await every(api, headers) == everybody
    assert await every(api, headers, search="2") == ["2001"]
    assert await every(api, headers, search=" 王小 ") == ["1002"]
    assert await every(api, headers, search="小明") == []
    assert await every(api, headers, search="%") == []
    assert await every(api, headers, unit=house.units["b2"]) == ["1006", "1007", "2001"]
    assert await every(api, headers, unit=house.units["b1"], role="broker") == ["1001", "1002"]
    assert await every(api, headers, working=False) == ["1002"]
    assert await every(api, headers, working=True, role="broker") == ["1001"]
    assert await every(api, headers, role="king") == []


async def test_a_list_in_another_order_shows_the_same_people(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers = await house.headers("1010")
    await house.execute("update employee set hired_on = date '2020-01-01' - (id % 3), name = left(name, 2)")
    for order, key in (("name", "name"), ("hired_on", "hired_on")):
        assert sorted(await every(api, headers, sort=order)) == await every(api, headers)
        items = (await api.get(URL, params={"sort": order, "limit": 200}, headers=headers)).json()["items"]
        assert [one[key] for one in items] == sorted(one[key] for one in items)
    page = await api.get(URL, params={"sort": "name", "limit": 1}, headers=headers)
    other = await api.get(URL, params={"sort": "hired_on", "cursor": page.json()["next"]}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (400, "cursor_invalid")


async def test_one_person_is_shown_with_place_licence_and_roles(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers = await house.headers("1010")
    await house.assign("1003", "branch_manager@b2")
    await house.execute(
        "update employee set licence_kind = 'adviser', licence_no = 'S1', licence_valid_to = current_date + 1,"
        " mobile = 'sealed', mobile_mask = '138****0000' where employee_no = '1003'"
    )
    person = (await api.get(f"{URL}/1003", headers=headers)).json()
    assert [one["code"] for one in person["units"]] == ["company", "north", "b1", "t2"]
    assert (person["mobile"], person["licence"]["number"], person["licence"]["valid"]) == ("138****0000", "S1", True)
    assert [(one["role"], one["unit_name"]) for one in person["roles"]] == [
        ("account_manager", None), ("branch_manager", "b2"),
    ]  # fmt: skip
    await house.execute("update employee set licence_valid_to = current_date where employee_no = '1003'")
    assert (await api.get(f"{URL}/1003", headers=headers)).json()["licence"]["valid"] is False
    assert (await api.get(f"{URL}/1001", headers=headers)).json()["licence"] is None
    for who in ("9999", "x" * 41, "%0a", "' or 1=1"):
        assert (await api.get(f"{URL}/{who}", headers=headers)).status_code in (400, 404)


async def test_a_role_is_in_effect_at_once_and_so_is_its_loss(
    open_api: Open, own_settings: Settings, house: Brokerage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(principal, "REMEMBERED_SECONDS", 600)
    async with open_api(own_settings) as api:
        administrator, person, other = [await house.headers(who) for who in ("1010", "1001", "1002")]
        for headers in (person, other):
            assert (await api.get("/v1/staff/audit", headers=headers)).status_code == 403
        read = await api.get(f"{URL}/1001/roles", headers=administrator)
        given = await give(api, administrator, "1001", "broker", "compliance", tag=read.headers["etag"])
        hears(api, PersonChanged(employee_no="1001"))
        assert [one["role"] for one in given.json()["roles"]] == ["broker", "compliance"]
        assert (await api.get("/v1/staff/audit", headers=person)).status_code == 200
        assert (await api.get("/v1/staff/audit", headers=other)).status_code == 403
        await give(api, administrator, "1001", "broker", tag=given.headers["etag"])
        hears(api, PersonChanged(employee_no="1001"))
        assert (await api.get("/v1/staff/audit", headers=person)).status_code == 403


async def test_every_change_of_roles_is_told_and_recorded_once(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers = await house.headers("1010")
    await give(api, headers, "1001", "adviser", "broker")
    same = await give(api, headers, "1001", "broker", "adviser")
    assert same.status_code == 200
    async with house.database.transaction() as tx:
        told = await tx.fetch("select payload ->> 'employee_no' from outbox where kind = 'PersonChanged'")
        rows = await tx.fetch("select principal, action, noun_id, before -> 'roles', after -> 'roles' from audit")
    assert [row[0] for row in told] == ["1001"]
    assert [tuple(row) for row in rows] == [
        ("staff:1010", "person.change_roles", "1001", '[{"role": "broker", "unit_id": null}]',
         '[{"role": "adviser", "unit_id": null}, {"role": "broker", "unit_id": null}]'),
    ]  # fmt: skip


async def test_the_slower_of_two_administrators_is_told(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers = await house.headers("1010")
    tag = (await api.get(f"{URL}/1001/roles", headers=headers)).headers["etag"]
    answers = await asyncio.gather(
        *(give(api, headers, "1001", role, tag=tag) for role in ("adviser", "team_leader", "account_manager"))
    )
    assert sorted(one.status_code for one in answers) == [200, 412, 412]
    assert {one.json()["errors"][0]["field"] for one in answers if one.status_code == 412} == {"roles"}
    without = await api.put(f"{URL}/1001/roles", json={"roles": []}, headers=headers)
    assert without.status_code == 428


async def test_who_has_no_role_gets_the_first_from_version_nought(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers = await house.headers("1010")
    await house.employee("3001", "t1")
    read = await api.get(f"{URL}/3001/roles", headers=headers)
    assert (read.headers["etag"][:3], read.json()["roles"]) == ('"0.', [])
    assert (await give(api, headers, "3001", "broker", tag='"0"')).status_code == 200
    assert (await give(api, headers, "3001", "adviser", tag='"0"')).status_code == 412


async def test_roles_that_do_not_fit_are_refused_by_field(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers, units = await house.headers("1010"), house.units
    await house.unit("branch", "gone", "north")
    await house.execute("update unit set ended_on = '2026-01-01' where code = 'gone'")
    for wanted, field in (
        ({"role": "king"}, "roles[1].role"), ({"role": "investor"}, "roles[1].role"),
        ({"role": "broker"}, "roles[1].role"),
        ({"role": "adviser", "unit_id": units["b1"]}, "roles[1].unit_id"),
        ({"role": "compliance", "unit_id": units["b1"]}, "roles[1].unit_id"),
        ({"role": "branch_manager", "unit_id": units["t1"]}, "roles[1].unit_id"),
        ({"role": "branch_manager", "unit_id": 999999}, "roles[1].unit_id"),
        ({"role": "branch_manager", "unit_id": units["gone"]}, "roles[1].unit_id"),
        ({"role": "region_manager", "unit_id": 2**31}, "roles[1].unit_id"),
        ({"role": "Bad"}, "roles[1].role"), ({"role": "adviser", "salary": 1}, "roles[1].salary"),
    ):  # fmt: skip
        answer = await give(api, headers, "1001", "broker", wanted)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field), wanted
    for role, unit in (("branch_manager", "north"), ("team_leader", "t2"), ("region_manager", "company")):
        assert (await give(api, headers, "1001", {"role": role, "unit_id": units[unit]})).status_code == 200
    assert (await give(api, headers, "1001", *["broker"] * 21)).status_code == 400
    assert (await give(api, headers, "9999", "broker")).status_code == 404


async def test_a_role_over_a_unit_that_is_gone_may_stay(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers, held = await house.headers("1010"), {"role": "branch_manager", "unit_id": house.units["b2"]}
    assert (await give(api, headers, "1001", held)).status_code == 200
    await house.execute("update unit set ended_on = '2026-01-01' where code = 'b2'")
    assert (await give(api, headers, "1001", "broker", held)).status_code == 200
    assert (await give(api, headers, "1002", held)).status_code == 400


async def test_who_left_gets_no_further_role(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers = await house.headers("1010")
    await house.execute("update employee set left_on = current_date where employee_no = '1001'")
    assert (await give(api, headers, "1001", "broker", "adviser")).json()["errors"][0]["field"] == "roles"
    assert (await give(api, headers, "1001")).status_code == 200


async def test_the_last_administrator_stays_one(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers = await house.headers("1010")
    assert (await give(api, headers, "1010", "broker")).json()["errors"][0]["field"] == "roles"
    await give(api, headers, "1002", "administrator")
    await house.execute("update employee set left_on = current_date where employee_no = '1002'")
    assert (await give(api, headers, "1010", "broker")).status_code == 400, "the other one has left"
    await give(api, headers, "1003", "administrator")
    assert (await give(api, headers, "1010", "broker")).status_code == 200


async def test_two_administrators_who_dismiss_one_another_leave_one(api: httpx.AsyncClient, house: Brokerage) -> None:
    await house.assign("1002", "administrator")
    one, other = await house.headers("1010"), await house.headers("1002")
    for headers in (one, other):
        await every(api, headers)  # from now on both are known to be administrators, for a few seconds
    answers = await asyncio.gather(give(api, one, "1002", "broker"), give(api, other, "1010"))
    assert sorted(answer.status_code for answer in answers) == [200, 400]


async def test_with_the_reach_of_a_branch_one_sees_the_people_of_the_branch(
    api: httpx.AsyncClient, house: Brokerage
) -> None:
    await house.execute(
        "insert into role_permission values ('branch_manager', 'person.read'), ('broker', 'person.read')"
    )
    assert await every(api, await house.headers("1006")) == ["1006", "1007", "2001"]
    assert await every(api, await house.headers("1001")) == ["1001"]
    assert (await api.get(f"{URL}/1001", headers=await house.headers("1006"))).status_code == 404
    assert (await api.get(f"{URL}/1001/roles", headers=await house.headers("1006"))).status_code == 404


async def test_with_the_reach_of_a_region_one_sees_also_who_works_above_its_branches(
    api: httpx.AsyncClient, house: Brokerage
) -> None:
    await house.execute(
        "insert into role_permission values ('branch_manager', 'person.read'), ('region_manager', 'person.read')"
    )
    await house.employee("3001", "south", "broker")
    await house.employee("3002", "north", "broker")
    assert await every(api, await house.headers("1007")) == ["1006", "1007", "2001", "3001"]
    assert (await api.get(f"{URL}/3001", headers=await house.headers("1007"))).status_code == 200
    assert (await api.get(f"{URL}/3002", headers=await house.headers("1007"))).status_code == 404
    assert await every(api, await house.headers("1006")) == ["1006", "1007", "2001"]


async def test_nobody_else_sees_people_or_gives_roles(api: httpx.AsyncClient, house: Brokerage) -> None:
    for who in ("1001", "1005", "1008", "1009"):
        headers = await house.headers(who)
        answers = [
            await api.get(URL, headers=headers),
            await api.get(f"{URL}/1001", headers=headers),
            await api.get(f"{URL}/1001/roles", headers=headers),
            await give(api, headers, who, "administrator"),
        ]
        assert {one.status_code for one in answers} == {403}


async def test_a_move_is_in_effect_at_once_for_all_whom_it_concerns(
    open_api: Open, own_settings: Settings, house: Brokerage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(principal, "REMEMBERED_SECONDS", 600)

    async def seen(headers: dict[str, str]) -> set[str]:
        items = (await api.get("/v1/staff/customers", headers=headers)).json()["items"]
        return {one["customer_no"][-1] for one in items}

    async with open_api(own_settings) as api:
        administrator, manager, leader = [await house.headers(who) for who in ("1010", "1005", "1004")]
        assert [await seen(one) for one in (manager, leader)] == [set("12345"), set("123")]
        read = await api.get(f"{URL}/1005/unit", headers=administrator)
        assert (read.json()["unit_id"], read.json()["placed_by"]) == (house.units["b1"], "feed")
        moved = await place(api, administrator, "1005", house.units["b2"], read.headers["etag"])
        assert (moved.status_code, moved.json()["placed_by"]) == (200, "staff")
        await place(api, administrator, "1003", house.units["t1"])
        hears(api, OrganisationChanged())
        assert [await seen(one) for one in (manager, leader)] == [set("6"), set("1234")]
        late = await place(api, administrator, "1005", house.units["b1"], read.headers["etag"])
        assert (late.status_code, late.json()["errors"][0]["field"]) == (412, "unit_id")
        read = await api.get(f"{URL}/1005/unit", headers=administrator)
        assert (read.json(), read.headers["etag"]) == (moved.json(), moved.headers["etag"])


async def test_every_move_is_told_and_recorded_once(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers = await house.headers("1010")
    for _ in range(2):
        assert (await place(api, headers, "1001", house.units["t2"])).status_code == 200
    for key in ("give-back-1", "give-back-2"):
        back = await api.post(f"{URL}/1001/place-by-feed", headers={**headers, "Idempotency-Key": key})
        assert (back.json()["unit_id"], back.json()["placed_by"]) == (house.units["t2"], "feed")
    async with house.database.transaction() as tx:
        rows = await tx.fetch("select principal, action, noun_id, before -> 'unit_id', after -> 'unit_id' from audit")
        told = await tx.fetchval("select count(*) from outbox where kind = 'OrganisationChanged'")
    one, two = str(house.units["t1"]), str(house.units["t2"])
    assert [tuple(row) for row in rows] == [
        ("staff:1010", "person.move", "1001", one, two),
        ("staff:1010", "person.place_by_feed", "1001", two, two),
    ]
    assert told == 2


async def test_nobody_goes_where_nothing_is(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers = await house.headers("1010")
    await house.execute("update unit set ended_on = current_date where code = 't2'")
    for unit in (house.units["t2"], 999_999):
        answer = await place(api, headers, "1001", unit)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "unit_id")
    assert (await place(api, headers, "9999", house.units["t1"])).status_code == 404
    without = await api.put(f"{URL}/1001/unit", json={"unit_id": house.units["t1"]}, headers=headers)
    assert without.status_code == 428
    assert (await place(api, await house.headers("1005"), "1001", house.units["t1"])).status_code == 403
