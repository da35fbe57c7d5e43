"""Who may do what to whom: every route of every audience, asked by every role, about customers near and far.

The routes are those of the application itself, so that a new one is asked too; what is to come of it stands here.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
from litestar.routes import HTTPRoute
from msgspec import Struct

from api.edge.identify import PUBLIC
from api.routes import AUDIENCES, audience_router
from kernel.settings import Settings
from kernel.store.database import Database
from tests.api.conftest import Open
from tests.api.signing import headers as signed_headers
from tests.api.signing import with_gateways
from tests.brokerage import Brokerage, small

SEEN = {
    "1001": "123", "1002": "3", "1003": "4", "1004": "123", "1005": "12345", "1006": "6", "1007": "6",
    "1008": "123456", "1009": "123456", "1010": "", "1011": "12345", "1012": "12345", "1013": "123456", "2001": "6",
    "1014": "",
}  # fmt: skip
"""The last digits of the customers in each one's scope.

For the leader of the first team 1 to 3 are the team's (child), 4 is the other team's (sibling), 5 the branch's and
nobody's (parent), 6 another branch's (foreign).
"""

BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("PATCH", "/contact"): {"wechat": "w"},
    ("PUT", "/preferences"): {
        "language": "en", "channel": "sms", "contact_from": "09:00", "contact_to": "10:00",
    },
    ("PUT", "/notices/read"): {"last": "019a3b5e-0000-7000-8000-000000000000"},
    ("PUT", "/consents"): {"purpose": "service", "channel": "sms", "allowed": True, "evidence": "recorded call"},
    ("POST", "/reveal"): {"field": "mobile", "reason": "asked to be called"},
}  # fmt: skip
VALUES = {
    "device_id": "nowhere", "session_id": "019a3b5e-0000-7000-8000-000000000000", "employee_no": "9999",
    "code": "nobody", "unit_id": "999999", "day": "2026-10-01", "event_id": "019a3b5e-0000-7000-8000-000000000000",
    "handler": "nothing", "notice_id": "019a3b5e-0000-7000-8000-000000000000",
    "broadcast_id": "019a3b5e-0000-7000-8000-000000000000", "verb": "pause", "suppression_id": "1", "number": "1",
    "product_code": "nothing", "subscription_id": "019a3b5e-0000-7000-8000-000000000000",
    "view_id": "019a3b5e-0000-7000-8000-000000000000",
}  # fmt: skip


class Route(Struct, frozen=True):
    """One method of one path, and the permission that it names."""

    audience: str
    method: str
    path: str
    permission: str

    @property
    def about_a_customer(self) -> bool:
        """Whether a customer stands in its path, within the scope of the permission."""
        return "customer_no" in self.path and self.permission.startswith("customer.")

    async def ask(self, api: httpx.AsyncClient, headers: dict[str, str], customer_no: str = "88000001") -> int:
        """The status of the answer."""
        path = self.path.replace("{customer_no:str}", customer_no)
        for name, value in VALUES.items():
            for kind in ("str", "uuid", "int", "date"):
                path = path.replace(f"{{{name}:{kind}}}", value)
        assert "{" not in path, f"this test knows no value for {path}"
        given = {**headers, "If-Match": '"0"', "Idempotency-Key": "matrix-0001"}
        body = next((body for (method, end), body in BODIES.items() if (method, end) == self.ending(end)), {})
        sends = self.method in ("POST", "PUT", "PATCH")
        answer = await api.request(self.method, path, headers=given, json=body if sends else None)
        assert answer.status_code < 500, (self, answer.text)
        return answer.status_code

    def ending(self, end: str) -> tuple[str, str]:
        """Method and end of the path."""
        return self.method, self.path[-len(end) :]


def routes() -> Iterator[Route]:
    """Every route that is not public."""
    for audience in AUDIENCES:
        for route in audience_router(audience).routes:
            for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
                permission = next((str(getattr(guard, "permission", "")) for guard in handler.guards or ()), "")
                for method in {str(one) for one in handler.http_methods} - {"OPTIONS"}:
                    if permission != PUBLIC:
                        yield Route(audience, method, route.path, permission)


ROUTES = sorted(routes(), key=lambda route: (route.path, route.method))


@pytest.fixture
async def house(database: Database, own_settings: Settings) -> Brokerage:
    """Somebody in every role, and somebody in none."""
    house = await small(database, own_settings)
    await house.employee("1011", "b1", "broker_supervisor")
    await house.employee("1012", "b1", "marketing_manager")
    await house.employee("1013", "b1", "service_agent")
    await house.employee("1014", "b1")
    return house


@pytest.fixture
async def patient(own_settings: Settings, open_api: Open) -> Any:
    """An API that takes this many requests at once."""
    generous = msgspec.structs.replace(own_settings, rate_per_principal=1e6, rate_per_address=1e6, reveal_quota=1000)
    async with open_api(generous) as api:
        yield api


async def permissions(database: Database, house: Brokerage) -> dict[str, set[str]]:
    """What each employee's roles give."""
    async with database.transaction() as tx:
        rows = await tx.fetch(
            "select e.employee_no, p.permission from employee e left join assignment a on a.employee_id = e.id"
            " left join role_permission p on p.role = a.role"
        )
    return {no: {row[1] for row in rows if row[0] == no} for no in house.employees}


async def test_without_a_token_or_with_one_of_another_audience_nothing_opens(
    patient: httpx.AsyncClient, house: Brokerage
) -> None:
    staff, investor = await house.headers("1010"), await house.headers("88000001", "investor")
    for route in ROUTES:
        for headers in ({}, {"Authorization": "Bearer x"}, investor if route.audience == "staff" else staff):
            assert await route.ask(patient, headers) == 401, route


@pytest.mark.parametrize("who", SEEN)
async def test_a_route_opens_to_whoever_has_its_permission_about_whoever_is_in_scope(
    patient: httpx.AsyncClient, house: Brokerage, database: Database, who: str
) -> None:
    given, headers = (await permissions(database, house))[who], await house.headers(who)
    for route in ROUTES:
        if route.audience != "staff":
            continue
        if route.permission not in given:
            assert await route.ask(patient, headers) == 403, route
        elif not route.about_a_customer:
            assert await route.ask(patient, headers) not in (401, 403), route
        else:
            for number in "123456":
                status = await route.ask(patient, headers, f"8800000{number}")
                assert status == (200 if number in SEEN[who] else 404), (route, number)


async def test_a_gateways_signature_opens_the_routes_of_gateways_and_no_other(
    open_api: Open, own_settings: Settings, house: Brokerage
) -> None:
    generous = msgspec.structs.replace(with_gateways(own_settings), rate_per_principal=1e6, rate_per_address=1e6)
    async with open_api(generous) as api:
        for route in ROUTES:
            sends = route.method in ("POST", "PUT", "PATCH")
            status = await route.ask(api, signed_headers(b"{}" if sends else b""))
            taken = 202 if route.path.endswith("/bounces") else 400  # a relay's hook takes whatever comes
            assert status == (taken if route.audience == "gateway" else 401), route


async def test_an_investor_asks_about_nobody_else(patient: httpx.AsyncClient, house: Brokerage) -> None:
    headers = await house.headers("88000001", "investor")
    for route in ROUTES:
        if route.audience == "investor":
            assert "customer_no" not in route.path
            assert await route.ask(patient, headers) not in (401, 403), route


def test_a_route_without_a_permission_would_be_seen() -> None:
    assert [route for route in ROUTES if not route.permission] == []
    assert len(ROUTES) > 40
