"""What a gateway posts has the effect that it would have from the queue; each item is answered by itself."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as bounded
from hypothesis import strategies as st

from api.messaging.receipt import read
from kernel.security.crypto import Fields, Place
from kernel.security.scope import apply_system
from kernel.settings import Settings
from kernel.store.database import Database
from mobile_contracts.messaging.outbound import Inbound, Receipt
from notifications.consent import unsubscribe
from notifications.gateway import bounce
from tests.api.conftest import Open
from tests.api.signing import post, with_gateways
from tests.notifications.gateway.test_bounce import ARF, AWAY, MDN, OURS, POSTFIX, QMAIL
from tests.notifications.house import House


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
async def api(open_api: Open, own_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with open_api(with_gateways(own_settings)) as client:
        yield client


@pytest.fixture
async def sent(database: Database, own_settings: Settings) -> list[UUID]:
    """Messages that were handed over to gateways, the last of them an e-mail."""
    async with database.transaction() as tx:
        house = House(tx, own_settings)
        await house.open()
        people = [await house.customer() for _ in range(3)]
        for channel in ("sms", "email"):
            await house.queued(customers=people, channels=(channel,), once=channel)
        await tx.execute("update outgoing set state = 'sending', attempt = 1")
        rows = await tx.fetch("select id from outgoing order by channel desc, id")
    return [row["id"] for row in rows]


async def state(database: Database, message_id: UUID) -> str:
    """What is known of a message."""
    async with database.transaction() as tx:
        await apply_system(tx, "test", kind="company")
        return str(await tx.fetchval("select state from outgoing where id = $1", message_id))


async def test_receipts_are_taken_one_by_one(api: httpx.AsyncClient, sent: list[UUID], database: Database) -> None:
    first, second, third = map(str, sent[:3])
    items = [receipt(id=first), receipt(id=second, status="lost"), receipt(id=third, gateway="unicom-1"), receipt(9),
             {"id": 4}, receipt(id=second, more=1), {}]  # fmt: skip
    answer = await post(api, "/receipts", {"items": items})
    assert answer.status_code == 200
    assert answer.json()["results"] == [
        {"id": first, "ok": True},
        {"id": second, "ok": False, "code": "invalid", "detail": "status: 'lost' is no value of this field"},
        {"id": third, "ok": False, "code": "unknown_gateway",
         "detail": "it names another gateway than the one that signed"},
        {"id": receipt(9)["id"], "ok": False, "code": "unknown_id",
         "detail": "there is no message of ours with this id"},
        {"id": "", "ok": False, "code": "invalid", "detail": "id: must be a UUID, not a whole number"},
        {"id": second, "ok": False, "code": "invalid", "detail": "more: there is no such field: more"},
        {"id": "", "ok": False, "code": "invalid", "detail": "id: this field is missing: id"},
    ]  # fmt: skip
    assert [await state(database, one) for one in sent[:3]] == ["delivered", "sending", "sending"]


async def test_an_item_that_nobody_could_keep_harms_no_other(
    api: httpx.AsyncClient, sent: list[UUID], database: Database
) -> None:
    first, *others = sent[:3]
    with_nul = msgspec.json.encode(receipt(id=str(others[0]), code="a\0b"))
    wrong = [with_nul, b"[1]", b"1", b'"' + b"x" * 9000 + b'"', b"[" * 500 + b"]" * 500]
    items = [*wrong, msgspec.json.encode(receipt(id=str(first)))]
    answer = await post(api, "/receipts", b'{"items": [' + b",".join(items) + b"]}")
    assert [one["ok"] for one in answer.json()["results"]] == [False] * len(wrong) + [True]
    assert answer.json()["results"][0] | {"detail": ""} == {
        "id": str(others[0]), "ok": False, "code": "invalid", "detail": "",
    }  # fmt: skip
    assert [await state(database, one) for one in (first, *others)] == ["delivered", "sending", "sending"]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (rb"T \ud83d", "T \ufffd"),
        (rb"\udc00", "\ufffd"),
        (rb"\uD83D\uDE00", "😀"),
        (rb"\\ud83d", r"\ud83d"),
        (rb"\n\ud83dx", "\n\ufffdx"),
    ],
)
async def test_half_a_character_is_no_reason_to_lose_a_reply(
    api: httpx.AsyncClient, sent: list[UUID], database: Database, own_settings: Settings, text: bytes, kept: str
) -> None:
    body = msgspec.json.encode({"items": [reply(**{"from": House.number(1)}), reply(gateway_id="R2", text="??")]})
    answer = await post(api, "/inbound", body.replace(b"??", text))
    assert answer.json()["results"] == [{"id": "R1", "ok": True}, {"id": "R2", "ok": True}]
    async with database.transaction() as tx:
        await apply_system(tx, "test", kind="company")
        sealed = await tx.fetchval("select sealed from inbound where gateway_id = 'R2'")
    opened = Fields(own_settings).open(sealed, Place("inbound", "sealed", "cmcc-1:R2"))
    assert msgspec.json.decode(opened)["text"] == kept


async def test_a_receipt_may_come_again(api: httpx.AsyncClient, sent: list[UUID], database: Database) -> None:
    for space in range(3):
        body = msgspec.json.encode({"items": [receipt(id=str(sent[0]))] * 2}) + b" " * space
        assert [one["ok"] for one in (await post(api, "/receipts", body)).json()["results"]] == [True, True]
    assert await state(database, sent[0]) == "delivered"


async def test_a_reply_that_opts_out_is_taken_by_the_gateways_own_id(
    api: httpx.AsyncClient, sent: list[UUID], database: Database
) -> None:
    items = [reply(**{"from": House.number(1)}), reply(gateway_id="R2", to="+86"), reply(gateway_id="R3", gateway="x")]
    results = (await post(api, "/inbound", {"items": items})).json()["results"]
    assert [(one["id"], one["ok"], one.get("code")) for one in results] == [
        ("R1", True, None), ("R2", False, "invalid"), ("R3", False, "unknown_gateway"),
    ]  # fmt: skip
    assert results[1]["detail"].startswith("to: is not written as this field is")
    async with database.transaction() as tx:
        await apply_system(tx, "test", kind="company")
        (row,) = await tx.fetch("select purpose, channel, allowed, source from consent")
    assert tuple(row) == ("marketing", "sms", False, "reply")


async def test_an_e_mail_that_came_back_was_not_delivered(
    api: httpx.AsyncClient, sent: list[UUID], database: Database
) -> None:
    hook = {"name": "hook-1", "secret": "h" * 32}
    answer = await post(api, "/bounces", POSTFIX.replace(str(OURS), str(sent[-1])).encode(), **hook)
    assert (answer.status_code, answer.json()) == (
        200, {"results": [{"id": str(sent[-1]), "ok": True}], "made_of": "bounce"},
    )  # fmt: skip
    assert await state(database, sent[-1]) == "undelivered"
    assert (await post(api, "/bounces", POSTFIX.encode(), **hook)).json()["results"][0]["code"] == "unknown_id"


async def test_a_mail_hook_settles_no_text_message_and_opts_nobody_out(
    api: httpx.AsyncClient, sent: list[UUID], database: Database
) -> None:
    hook = {"name": "hook-1", "secret": "h" * 32}
    for path, item in (
        ("/receipts", receipt(id=str(sent[0]), gateway="hook-1")),
        ("/inbound", reply(gateway="hook-1", **{"from": House.number(1)})),
    ):
        (told,) = (await post(api, path, {"items": [item]}, **hook)).json()["results"]
        assert (told["ok"], told["code"]) == (False, "other_gateway")
    assert await state(database, sent[0]) == "sending"
    async with database.transaction() as tx:
        await apply_system(tx, "test", kind="company")
        assert await tx.fetchval("select count(*) from consent") == 0
        assert await tx.fetchval("select problem from receipt") == "other_gateway"
        assert await tx.fetchval("select meaning from inbound") == "other_gateway"


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59-12:00", "1969-12-31T23:59:59Z"])
async def test_a_time_that_no_clock_shows_harms_no_other_item(
    api: httpx.AsyncClient, sent: list[UUID], database: Database, at: str
) -> None:
    answer = await post(api, "/receipts", {"items": [receipt(at=at), receipt(id=str(sent[0]))]})
    assert [(one["ok"], one.get("code")) for one in answer.json()["results"]] == [(False, "invalid"), (True, None)]
    items = [reply(at=at), reply(gateway_id="R2", **{"from": House.number(1)})]
    answer = await post(api, "/inbound", {"items": items})
    assert [(one["ok"], one.get("code")) for one in answer.json()["results"]] == [(False, "invalid"), (True, None)]


async def test_a_refusal_is_explained_in_chinese_too(api: httpx.AsyncClient, sent: list[UUID]) -> None:
    api.headers["Accept-Language"] = "zh-CN"
    items = [receipt(gateway="x"), receipt(at="0001-01-01T00:00:00+08:00"), receipt(code=1)]
    told = (await post(api, "/receipts", {"items": items})).json()["results"]
    assert [one["detail"] for one in told] == [
        "所填网关与签名网关不一致", "at: 时间须在 1970 年至 2199 年之间", "code: 应为 文本,实际为 整数",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("mail", "made_of"),
    [("Subject: hello\n\n", "other"), (AWAY, "auto_reply"), (MDN, "read_receipt"), (QMAIL, "bounce"),
     (ARF, "complaint"), ("Subject: unsubscribe made-up\n\n", "other")],
    ids=["a letter", "away", "displayed", "qmail", "complaint", "a token that is none"],
)  # fmt: skip
async def test_whatever_comes_to_the_mailbox_is_taken_and_it_is_said_what_it_was(
    api: httpx.AsyncClient, sent: list[UUID], database: Database, mail: str, made_of: str
) -> None:
    hook = {"name": "hook-1", "secret": "h" * 32}
    answer = await post(api, "/bounces", mail.replace(str(OURS), str(sent[-1])).encode(), **hook)
    assert (answer.status_code, answer.json()["made_of"]) == (202, made_of)
    assert await state(database, sent[-1]) == {"bounce": "undelivered", "complaint": "delivered"}.get(
        made_of, "sending"
    )


async def test_a_wish_by_mail_is_fulfilled(
    api: httpx.AsyncClient, sent: list[UUID], database: Database, own_settings: Settings
) -> None:
    async with database.transaction() as tx:
        await apply_system(tx, "test", kind="company")
        customer_id = await tx.fetchval("select customer_id from outgoing where id = $1", sent[-1])
    token = unsubscribe.token(Fields(own_settings), customer_id, "marketing")
    answer = await post(api, "/bounces", f"From: li@b.cn\nSubject: unsubscribe {token}\n\n".encode())
    assert (answer.status_code, answer.json()) == (202, {"results": [], "made_of": "unsubscribe"})
    async with database.transaction() as tx:
        await apply_system(tx, "test", kind="company")
        (row,) = await tx.fetch("select customer_id, purpose, channel, allowed, source from consent")
    assert tuple(row) == (customer_id, "marketing", "email", False, "link")


async def test_a_thousand_at_once_are_taken_and_one_more_is_not(api: httpx.AsyncClient) -> None:
    assert (await post(api, "/receipts", {"items": [receipt(n) for n in range(1001)]})).status_code == 400
    answer = await post(api, "/receipts", {"items": [receipt(n) for n in range(1000)]})
    assert {one["code"] for one in answer.json()["results"]} == {"unknown_id"}
    assert len(answer.json()["results"]) == 1000


@pytest.mark.parametrize("body", [b"[]", b'{"items": 1}', b"{", b'{"items": []}' + b"[" * 5000])
async def test_what_is_no_list_of_items_is_refused_as_a_whole(api: httpx.AsyncClient, body: bytes) -> None:
    answer = await post(api, "/receipts", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


OBJECTS = st.dictionaries(st.sampled_from([*receipt(), "from", "x"]), JSON, max_size=8)


@given(items=st.lists(OBJECTS | JSON, max_size=5))
@bounded(deadline=None, suppress_health_check=[HealthCheck.differing_executors])
def test_whatever_an_item_is_it_has_an_answer(items: list[Any]) -> None:
    raw = [msgspec.Raw(msgspec.json.encode(item)) for item in [*items, receipt(), reply()]]
    receipts, replies = [read(one, Receipt, "id") for one in raw], [read(one, Inbound, "gateway_id") for one in raw]
    for told in (*receipts, *replies):
        assert isinstance(told, Receipt | Inbound) or (not told.ok and told.code == "invalid" and told.detail)
    assert isinstance(receipts[-2], Receipt)
    assert isinstance(replies[-1], Inbound)


async def test_a_mail_that_takes_long_to_read_keeps_no_other_request_waiting(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()
    known = bounce.read

    def slow(*given: Any) -> Any:
        assert answered.wait(60), "others are answered meanwhile"
        return known(*given)

    monkeypatch.setattr(bounce, "read", slow)
    reading = asyncio.create_task(post(api, "/bounces", AWAY.encode()))
    await asyncio.sleep(0)
    assert (await post(api, "/receipts", {"items": []})).status_code == 200
    answered.set()
    assert (await reading).json()["made_of"] == "auto_reply"
