"""Administrators change what roles permit: in effect at once, within what keeps the house governable."""

import asyncio
from typing import Any

import httpx
import pytest

from identity import principal
from kernel.settings import Settings
from kernel.store.database import Database
from mobile_contracts.event import RolesChanged
from tests.api.conftest import Open, hears
from tests.brokerage import Brokerage, small

URL = "/v1/staff/roles"


@pytest.fixture
async def house(database: Database, own_settings: Settings) -> Brokerage:
    """Two branches with people in every role and six customers."""
    return await small(database, own_settings)


async def change(
    api: httpx.AsyncClient, headers: dict[str, str], code: str, scope: str | None = None, *,
    add: tuple[str, ...] = (), drop: tuple[str, ...] = (), tag: str = "",
) -> httpx.Response:  # fmt: skip
    """Reads the role and changes it."""
    read = await api.get(f"{URL}/{code}", headers=headers)
    permissions = [*(one for one in read.json()["permissions"] if one not in drop), *add]
    wanted = {"scope": scope or read.json()["scope"], "permissions": permissions}
    return await api.put(f"{URL}/{code}", json=wanted, headers={**headers, "If-Match": tag or read.headers["etag"]})


async def test_roles_are_listed_with_what_they_permit_and_how_far(api: httpx.AsyncClient, house: Brokerage) -> None:
    roles = {one["code"]: one for one in (await api.get(URL, headers=await house.headers("1010"))).json()["items"]}
    assert len(roles) == 13
    assert (roles["broker"]["scope"], roles["broker"]["name_zh"]) == ("own", "营销代表/经纪人")
    assert "customer.read" in roles["broker"]["permissions"]
    assert roles["investor"]["scope"] == "self"


async def test_permissions_are_listed_with_the_routes_that_ask_for_them(
    api: httpx.AsyncClient, house: Brokerage
) -> None:
    items = (await api.get("/v1/staff/permissions", headers=await house.headers("1010"))).json()["items"]
    routes = {one["permission"]: one["routes"] for one in items}
    assert list(routes) == sorted(routes)
    assert "public" not in routes
    assert {"method": "PUT", "path": "/v1/staff/calendar/{day}"} in routes["calendar.change"]
    assert {one["path"].split("/")[2] for one in routes["self.read"]} == {"staff", "investor"}


async def test_a_permission_is_in_effect_at_once_and_so_is_its_loss(
    open_api: Open, own_settings: Settings, house: Brokerage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(principal, "REMEMBERED_SECONDS", 600)
    async with open_api(own_settings) as api:
        administrator, broker = await house.headers("1010"), await house.headers("1001")
        assert (await api.get("/v1/staff/units", headers=broker)).status_code == 403
        assert (await change(api, administrator, "broker", add=("organisation.read",))).status_code == 200
        hears(api, RolesChanged())
        assert (await api.get("/v1/staff/units", headers=broker)).status_code == 200
        assert (await change(api, administrator, "broker", drop=("organisation.read",))).status_code == 200
        hears(api, RolesChanged())
        assert (await api.get("/v1/staff/units", headers=broker)).status_code == 403


async def test_a_wider_scope_reaches_more(api: httpx.AsyncClient, house: Brokerage) -> None:
    assert (await change(api, await house.headers("1010"), "broker", "branch")).status_code == 200
    items = (await api.get("/v1/staff/customers", headers=await house.headers("1002"))).json()["items"]
    assert {one["customer_no"][-1] for one in items} == set("12345")


async def test_a_change_is_told_and_recorded_and_one_that_changes_nothing_is_not(
    api: httpx.AsyncClient, house: Brokerage
) -> None:
    headers = await house.headers("1010")
    await change(api, headers, "broker", add=("person.read",))
    same = await change(api, headers, "broker", add=("person.read",))
    assert same.status_code == 200
    async with house.database.transaction() as tx:
        assert await tx.fetchval("select count(*) from outbox where kind = 'RolesChanged'") == 1
        rows = await tx.fetch("select noun_id, before -> 'permissions' ? 'person.read', after -> 'permissions' ?"
                              " 'person.read' from audit where action = 'role.change'")  # fmt: skip
    assert [tuple(row) for row in rows] == [("broker", False, True)]


async def test_the_slower_of_two_administrators_is_told(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers = await house.headers("1010")
    tag = (await api.get(f"{URL}/broker", headers=headers)).headers["etag"]
    answers = await asyncio.gather(
        change(api, headers, "broker", add=("person.read",), tag=tag),
        change(api, headers, "broker", add=("role.read",), tag=tag),
    )
    assert sorted(one.status_code for one in answers) == [200, 412]
    (late,) = [one for one in answers if one.status_code == 412]
    assert [error["field"] for error in late.json()["errors"]] == ["permissions"]


@pytest.mark.parametrize(
    ("code", "asked", "field"),
    [
        ("broker", {"add": ("customer.eat",)}, "permissions[…]"),
        ("broker", {"add": ("job.read",)}, "scope"),
        ("broker", {"scope": "self"}, "scope"),
        ("broker", {"scope": "galaxy"}, "scope"),
        ("broker", {"add": ("DROP TABLE",)}, "permissions[…]"),
        ("administrator", {"drop": ("role.change",)}, "permissions"),
        ("administrator", {"drop": ("person.change",)}, "permissions"),
        ("administrator", {"scope": "branch"}, "scope"),
        ("investor", {"add": ("customer.read",)}, "permissions[…]"),
        ("investor", {"scope": "company"}, "scope"),
    ],
)
async def test_what_would_undo_the_house_is_refused_by_field(
    api: httpx.AsyncClient, house: Brokerage, code: str, asked: dict[str, Any], field: str
) -> None:
    """`…` stands for the place of what is added, behind all that the role has."""
    headers = await house.headers("1010")
    has = len((await api.get(f"{URL}/{code}", headers=headers)).json()["permissions"])
    answer = await change(api, headers, code, **asked)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field.replace("…", str(has)))


async def test_a_role_that_is_not_there_is_not_found(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers = {**await house.headers("1010"), "If-Match": "*"}
    assert (await api.get(f"{URL}/king", headers=headers)).status_code == 404
    wanted = {"scope": "none", "permissions": []}
    assert (await api.put(f"{URL}/king", json=wanted, headers=headers)).status_code == 404


async def test_nobody_else_reads_or_changes_roles(api: httpx.AsyncClient, house: Brokerage) -> None:
    for who in ("1001", "1005", "1008", "1009"):
        headers = {**await house.headers(who), "If-Match": "*"}
        answers = [
            await api.get(URL, headers=headers),
            await api.get(f"{URL}/broker", headers=headers),
            await api.get("/v1/staff/permissions", headers=headers),
            await api.put(f"{URL}/broker", json={"scope": "company", "permissions": []}, headers=headers),
        ]
        assert {one.status_code for one in answers} == {403}
