"""Queue messages: the examples of the contract are read and written as they stand, everything else is refused."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobile_contracts.messaging.outbound import Email, Inbound, Push, Receipt, Sms

ID = "01932f3c-7a10-7b8e-9c4d-2f5a6b7c8d9e"
TIMES = {"created_at": "2026-11-22T09:00:00+08:00", "expires_at": "2026-11-22T22:00:00+08:00"}
EXAMPLES: dict[type[msgspec.Struct], dict[str, Any]] = {
    Sms: {"schema": "hexad.sms/1", "id": ID, "purpose": "service", "to": "+8613800000000", "sender": "10690000",
          "text": "【华信】您好", "segments": 1, **TIMES, "attempt": 1},
    Email: {"schema": "hexad.email/1", "id": ID, "purpose": "service", "to": "a@b.cn", "from": "Hexad <no-reply@b.cn>",
            "reply_to": None, "subject": "您好", "text": "…", "html": "<p>…</p>",
            "headers": {"List-Unsubscribe": "<https://b.cn/u>"}, **TIMES, "attempt": 1},
    Push: {"schema": "hexad.push/1", "id": ID, "purpose": "service", "vendor": "huawei", "token": "t", "title": "新",
           "body": "…", "link": "hexad://chat/1", "withdraw": None, **TIMES, "attempt": 1},
    Receipt: {"schema": "hexad.receipt/1", "id": ID, "gateway": "cmcc-1", "gateway_id": "9", "status": "delivered",
              "code": "DELIVRD", "at": "2026-11-22T09:00:01+08:00"},
    Inbound: {"schema": "hexad.inbound/1", "gateway": "cmcc-1", "gateway_id": "9", "from": "+8613800000000",
              "to": "10690000", "text": "T", "at": "2026-11-22T09:00:01+08:00"},
}  # fmt: skip
FAULTS: list[tuple[type[msgspec.Struct], dict[str, Any]]] = [
    (Sms, {"schema": "hexad.sms/2"}),
    (Sms, {"colour": "red"}),
    (Sms, {"id": "7f0c9a52-3c4e-4d2a-9b1f-0a1b2c3d4e5f"}),
    (Sms, {"to": "13800000000"}),
    (Sms, {"to": "+8613800000000\n"}),
    (Sms, {"text": ""}),
    (Sms, {"text": "a\u0000b"}),
    (Sms, {"text": "x" * 1001}),
    (Sms, {"segments": 0}),
    (Sms, {"segments": 1.5}),
    (Sms, {"attempt": 6}),
    (Sms, {"purpose": "spam"}),
    (Sms, {"created_at": "2026-11-22T09:00:00"}),
    (Sms, {"expires_at": None}),
    (Email, {"to": "a@b.cn, c@d.cn"}),
    (Email, {"to": "a@b.cn\r\nBcc: c@d.cn"}),
    (Email, {"subject": "hello\r\nBcc: c@d.cn"}),
    (Email, {"from": "x\nSubject: y"}),
    (Email, {"headers": {"X-A\r\nBcc": "c@d.cn"}}),
    (Email, {"headers": {"X-A": "b\r\nBcc: c@d.cn"}}),
    (Email, {"headers": {f"X-{n}": "v" for n in range(21)}}),
    (Push, {"vendor": "nokia"}),
    (Receipt, {"status": "seen"}),
    (Receipt, {"id": "not-an-id"}),
    (Inbound, {"from": "unknown"}),
]


@pytest.mark.parametrize("kind", EXAMPLES)
def test_the_example_is_read_and_written_as_it_stands(kind: type[msgspec.Struct]) -> None:
    read = msgspec.json.decode(msgspec.json.encode(EXAMPLES[kind]), type=kind)
    assert msgspec.to_builtins(read) == EXAMPLES[kind]


@pytest.mark.parametrize(("kind", "change"), FAULTS, ids=lambda value: str(value)[:40])
def test_what_is_not_in_the_contract_is_refused(kind: type[msgspec.Struct], change: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode(EXAMPLES[kind] | change), type=kind)


@pytest.mark.parametrize(("kind", "field"), [(kind, field) for kind in EXAMPLES for field in EXAMPLES[kind]])
def test_every_field_is_required(kind: type[msgspec.Struct], field: str) -> None:
    without = {name: value for name, value in EXAMPLES[kind].items() if name != field}
    if field == "schema":  # a message is only ever read as the kind that its queue carries
        without["schema"] = "hexad.other/1"
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode(without), type=kind)


@given(st.binary(max_size=400))
def test_no_bytes_do_anything_but_be_refused(body: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, msgspec.ValidationError)):
        msgspec.json.decode(body, type=Sms)
