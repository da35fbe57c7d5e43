"""Somebody sees who they are, what they may do, and how their own customers stand."""

import httpx
import pytest

from kernel.settings import Settings
from kernel.store.database import Database
from tests.api.conftest import SignIn
from tests.brokerage import Brokerage, small


@pytest.fixture
async def house(database: Database, own_settings: Settings) -> Brokerage:
    """Two branches with people in every role and six customers."""
    return await small(database, own_settings)


async def test_who_one_is_and_how_far_each_permission_reaches(api: httpx.AsyncClient, house: Brokerage) -> None:
    await house.assign("1001", "compliance")
    me = (await api.get("/v1/staff/me", headers=await house.headers("1001", device_id="d-9"))).json()
    assert (me["principal"], me["device_id"]) == ("staff:1001", "d-9")
    assert me["employee"]["unit"] == ["总公司", "north", "b1", "t1"]
    reach = {one["code"]: one["reach"] for one in me["permissions"]}
    assert (reach["customer.read"], reach["customer.change"], reach["audit.read"]) == ("company", "own", "company")
    assert "role.change" not in reach


async def test_somebody_whom_no_feed_knows_has_no_employee(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    me = (await api.get("/v1/staff/me", headers=await sign_in("administrator"))).json()
    assert me["employee"] is None


async def test_home_shows_figures_of_ones_own_customers(api: httpx.AsyncClient, house: Brokerage) -> None:
    answer = await api.get("/v1/staff/home", headers=await house.headers("1001"))
    home = answer.json()
    assert (home["customers"], home["assets"]) == (3, "1700.00")
    again = await api.get(
        "/v1/staff/home", headers={**await house.headers("1001"), "If-None-Match": answer.headers["etag"]}
    )
    assert again.status_code == 304
