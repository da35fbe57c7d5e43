"""What a gateway posts lies in the queue as if it had put it there; each item is answered by itself."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as bounded
from hypothesis import strategies as st

from api.receipt import sorted_out
from kernel.queues import INBOUND, RECEIPTS
from kernel.queues.broker import open_queues
from kernel.settings import Settings
from mobile_contracts.outbound import Inbound, Receipt
from tests.api.conftest import Open
from tests.api.signing import post, with_gateways
from tests.brokers import broker
from tests.notifications.gateway.test_bounce import OURS, POSTFIX

__all__ = ["broker"]


def receipt(number: int = 1, **changed: Any) -> dict[str, Any]:
    """A receipt as a gateway writes it."""
    plain = {"schema": "hexad.receipt/1", "id": f"019a3b5e-0000-7000-8000-{number:012d}", "gateway": "cmcc-1",
             "gateway_id": "M1", "status": "delivered", "code": "OK", "at": "2026-11-24T10:00:00+08:00"}  # fmt: skip
    return plain | changed


def reply(**changed: Any) -> dict[str, Any]:
    """A reply as a gateway writes it."""
    plain = {"schema": "hexad.inbound/1", "gateway": "cmcc-1", "gateway_id": "R1", "from": "+8613800000000",
             "to": "10690000", "text": "T", "at": "2026-11-24T10:00:00+08:00"}  # fmt: skip
    return plain | changed


@pytest.fixture
async def api(open_api: Open, broker: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with open_api(with_gateways(broker)) as client:
        yield client


async def test_receipts_are_taken_one_by_one(api: httpx.AsyncClient, broker: Settings) -> None:
    items = [receipt(1), receipt(2, status="lost"), receipt(3, gateway="unicom-1"), {"id": 4}, receipt(5, more=1), {}]
    answer = await post(api, "/receipts", {"items": items})
    assert answer.status_code == 200
    assert answer.json()["results"] == [
        {"id": receipt(1)["id"], "ok": True},
        {"id": receipt(2)["id"], "ok": False, "code": "invalid"},
        {"id": receipt(3)["id"], "ok": False, "code": "unknown_gateway"},
        {"id": "", "ok": False, "code": "invalid"},
        {"id": receipt(5)["id"], "ok": False, "code": "invalid"},
        {"id": "", "ok": False, "code": "invalid"},
    ]
    async with open_queues(broker) as queues:
        (taken,) = await queues.take(RECEIPTS, 10, lease=30, wait=5)
    assert msgspec.json.decode(taken.body, type=Receipt) == msgspec.convert(receipt(1), Receipt)


async def test_replies_are_taken_and_named_by_the_gateways_own_id(api: httpx.AsyncClient, broker: Settings) -> None:
    answer = await post(api, "/inbound", {"items": [reply(), reply(gateway_id="R2", to="+86")]})
    assert answer.json()["results"] == [{"id": "R1", "ok": True}, {"id": "R2", "ok": False, "code": "invalid"}]
    async with open_queues(broker) as queues:
        (taken,) = await queues.take(INBOUND, 10, lease=30, wait=5)
    assert msgspec.json.decode(taken.body, type=Inbound).text == "T"


async def test_a_thousand_at_once_are_taken_and_one_more_is_not(api: httpx.AsyncClient, broker: Settings) -> None:
    assert (await post(api, "/receipts", {"items": [receipt(n) for n in range(1001)]})).status_code == 400
    answer = await post(api, "/receipts", {"items": [receipt(n) for n in range(1000)]})
    assert all(one["ok"] for one in answer.json()["results"])
    async with open_queues(broker) as queues:
        assert await queues.size(RECEIPTS) == 1000


@pytest.mark.parametrize("broker", ["pgmq"], indirect=True)
@pytest.mark.parametrize("body", [b"[]", b'{"items": 1}', b'{"items": [1]}', b"{", b'{"items": []}' + b"[" * 5000])
async def test_what_is_no_list_of_items_is_refused_as_a_whole(api: httpx.AsyncClient, body: bytes) -> None:
    answer = await post(api, "/receipts", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@given(items=st.lists(st.dictionaries(st.sampled_from([*receipt(), "from", "x"]), JSON, max_size=8), max_size=5))
@bounded(suppress_health_check=[HealthCheck.differing_executors])
def test_whatever_an_item_is_it_has_an_answer(items: list[dict[str, Any]]) -> None:
    for kind, name in ((Receipt, "id"), (Inbound, "gateway_id")):
        results, good = sorted_out([*items, receipt(), reply()], kind, "cmcc-1", name)  # type: ignore[type-var]
        assert len(results) == len(items) + 2
        assert sum(one.ok for one in results) == len(good)
        assert good


@pytest.mark.parametrize("broker", ["pgmq"], indirect=True)
async def test_an_e_mail_that_came_back_is_a_receipt(api: httpx.AsyncClient, broker: Settings) -> None:
    answer = await post(api, "/bounces", POSTFIX.encode())
    assert answer.json() == {"results": [{"id": str(OURS), "ok": True}]}
    async with open_queues(broker) as queues:
        (taken,) = await queues.take(RECEIPTS, 10, lease=30, wait=5)
    assert msgspec.json.decode(taken.body, type=Receipt).gateway == "cmcc-1"
    assert (await post(api, "/bounces", b"Subject: hello\n\n")).json()["code"] == "invalid_input"
