"""Which frames of the chat a session passes on, and which it refuses itself."""

from datetime import UTC, datetime
from typing import get_args
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.security.scope import NOTHING, Audience, Principal
from mobile_contracts.frame import Asked, Error, Ready
from realtime.session import Ask, Authenticate, Close, Send, Session

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ONE, CLIENT = str(UUID(int=1)), str(UUID(int=2))


def signed_in(audience: Audience) -> Session:
    session = Session(0)
    session.receive('{"type":"auth","token":"t","device_id":"d"}', 0)
    asked = {frame.asks(audience): NOTHING for frame in get_args(Asked)}
    who = Principal(audience=audience, subject="1", session_id=UUID(int=1), device_id="d", permissions=asked)
    session.authenticated(who, 600, NOON, 0)
    return session


def outcome(audience: Audience, **frame: object) -> str:
    """`ask`, or the code of the error."""
    (effect,) = signed_in(audience).receive(msgspec.json.encode(frame).decode(), 1)
    if isinstance(effect, Send) and isinstance(effect.frame, Error):
        assert str(effect.frame.client_id) == str(frame.get("client_id")) or effect.frame.code == "bad_frame"
        return effect.frame.code
    assert isinstance(effect, Ask)
    return "ask"


BOTH: dict[str, dict[str, object]] = {
    "send": {"client_id": CLIENT, "conversation_id": ONE, "kind": "text", "body": "好"},
    "delivered": {"conversation_id": ONE, "seq": 1},
    "read": {"conversation_id": ONE, "seq": 1},
    "history": {"conversation_id": ONE, "limit": 100},
}
STAFF: dict[str, dict[str, object]] = {
    "open": {"client_id": CLIENT, "customer_no": "88"},
    "accept": {"conversation_id": ONE},
    "close": {"conversation_id": ONE},
    "status": {"status": "away"},
}
INVESTOR: dict[str, dict[str, object]] = {
    "open": {"client_id": CLIENT, "topic": "product", "employee_no": "1001"},
    "rate": {"conversation_id": ONE, "score": 5},
}


@pytest.mark.parametrize("audience", ["staff", "investor"])
def test_each_side_sends_its_frames(audience: Audience) -> None:
    for kind, frame in {**BOTH, **(STAFF if audience == "staff" else INVESTOR)}.items():
        assert outcome(audience, type=kind, **frame) == "ask"
    for kind, frame in (INVESTOR if audience == "staff" else STAFF).items():
        assert outcome(audience, type=kind, **frame) == ("bad_frame" if kind == "open" else "not_allowed")


@pytest.mark.parametrize("frame", [{"type": kind, **frame} for kind, frame in {**BOTH, **STAFF, **INVESTOR}.items()])
def test_nothing_of_it_before_the_sign_in(frame: dict[str, object]) -> None:
    (effect,) = Session(0).receive(msgspec.json.encode(frame).decode(), 1)
    assert isinstance(effect, Send)
    assert isinstance(effect.frame, Error)
    assert effect.frame.code == "not_allowed"


def test_what_a_message_may_be() -> None:
    for change, code in (
        ({"body": "x" * 4000}, "ask"), ({"body": "x" * 4001}, "too_long"), ({"body": " "}, "bad_frame"),
        ({"body": "\u200b"}, "bad_frame"), ({"body": "\ufe0f\u3164"}, "bad_frame"),
        ({"body": None}, "bad_frame"), ({"kind": "image"}, "not_allowed"), ({"kind": "shout"}, "bad_frame"),
        ({"product_code": "P1"}, "bad_frame"), ({"attachment_id": ONE}, "bad_frame"), ({"client_id": "1"}, "bad_frame"),
    ):  # fmt: skip
        assert outcome("staff", type="send", **{**BOTH["send"], **change}) == code, change


def test_an_unknown_field_closes() -> None:
    (effect,) = signed_in("staff").receive(
        msgspec.json.encode({"type": "accept", "conversation_id": ONE, "x": 1}).decode(), 1
    )
    assert isinstance(effect, Close)
    assert effect.code == 4400


def test_resume_goes_on_and_ready_bears_what_was_found() -> None:
    session = Session(0)
    (asked,) = session.receive(f'{{"type":"auth","token":"t","device_id":"d","resume":{{"{ONE}":7}}}}', 0)
    assert asked == Authenticate("t", "d", {UUID(ONE): 7})
    (told,) = session.receive(f'{{"type":"auth","token":"t","device_id":"d","resume":{{"{ONE}":7}},"epoch":"e"}}', 0)
    assert told == Authenticate("t", "d", {UUID(ONE): 7}, "e")
    who = Principal(audience="staff", subject="1", session_id=UUID(int=1), device_id="d")
    (sent,) = session.authenticated(who, 600, NOON, 0, [], [UUID(ONE)], "e")
    assert isinstance(sent, Send)
    assert isinstance(sent.frame, Ready)
    assert (sent.frame.resync, sent.frame.epoch) == ([UUID(ONE)], "e")


@given(
    st.dictionaries(
        st.sampled_from(["client_id", "conversation_id", "kind", "body", "seq", "limit", "score", "customer_no"]),
        st.one_of(
            st.none(),
            st.integers(),
            st.sampled_from(["", " ", "88", "a\x00"]),
            st.just(ONE),
            st.just("text"),
            st.just("x" * 4001),
        ),
    ),
    st.sampled_from(["send", "open", "read", "history", "accept", "close", "rate", "status"]),
    st.sampled_from(["staff", "investor"]),
)
def test_whatever_comes_is_passed_on_answered_or_closes(
    fields: dict[str, object], kind: str, audience: Audience
) -> None:
    effects = signed_in(audience).receive(msgspec.json.encode({"type": kind, **fields}).decode(), 1)
    assert len(effects) == 1
    assert isinstance(effects[0], Ask | Send | Close)
