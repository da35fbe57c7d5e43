"""What a page costs a phone, compressed, stays within the budgets of the design."""

import httpx
import pytest

from kernel.settings import Settings
from kernel.store.database import Database
from tests.brokerage import Brokerage

HOME, QUERY, EDIT = 3_500, 2_400, 1_600
"""Bytes: home, a customer query, editing a customer."""

SURNAMES, GIVEN = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗", "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平"


@pytest.fixture
async def broker(database: Database, own_settings: Settings) -> dict[str, str]:
    """A broker with more customers than a page holds, no two alike."""
    house = Brokerage(database, own_settings)
    for kind, above, name in (
        ("region", "company", "华东"), ("branch", "region", "上海人民路营业部"), ("team", "branch", "第一团队"),
    ):  # fmt: skip
        await house.unit(kind, kind, above)
        await house.execute("update unit set name = $2 where code = $1", kind, name)
    await house.employee("100861", "team", "broker")
    for n in range(21):
        number = n * 48_271 % 99_991
        await house.customer(
            f"88{number:06d}", "branch", name=SURNAMES[n % 20] + GIVEN[n * 7 % 20] + GIVEN[n * 11 % 20],
            assets=f"{number * 7919 % 9_000_000}.{number % 100:02d}", mobile_no=f"13{number * 9973 % 10**9:09d}",
            brokers=["100861"], risk_level=1 + n % 5, status=("normal", "dormant", "frozen")[n % 3],
        )  # fmt: skip
    await house.execute(
        "update customer set opened_on = date '2001-01-01' + (id * 397 % 9000), birthday = '1971-01-01', gender = 'F'"
    )
    return await house.headers("100861")


async def cost(api: httpx.AsyncClient, headers: dict[str, str], *paths: str) -> int:
    """Bytes of the bodies of these answers, compressed as they travel."""
    size = 0
    for path in paths:
        async with api.stream("GET", f"/v1/staff{path}", headers={**headers, "Accept-Encoding": "br"}) as answer:
            body = b"".join([part async for part in answer.aiter_raw()])
        assert answer.status_code == 200
        assert len(body) < 400 or answer.headers["content-encoding"] == "br"
        size += len(body)
    return size


async def test_pages_stay_within_their_budgets(api: httpx.AsyncClient, broker: dict[str, str]) -> None:
    listed = (await api.get("/v1/staff/customers", headers=broker)).json()
    assert len(listed["items"]) == 20
    assert listed["next"]
    one = f"/customers/{listed['items'][0]['customer_no']}"
    assert await cost(api, broker, "/me", "/home", "/customers?limit=10") <= HOME
    assert await cost(api, broker, "/customers") <= QUERY
    assert await cost(api, broker, "/customers?q=%E7%8E%8B") <= QUERY
    assert await cost(api, broker, one, f"{one}/contact", f"{one}/preferences", f"{one}/accounts") <= EDIT
