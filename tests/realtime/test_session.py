"""The protocol state of one socket, without sockets: what goes in, what comes out, whatever the order and the clock."""

import math
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.security.scope import Principal
from mobile_contracts.frame import Bye, Error, ErrorCode, Pong, Ready
from realtime.session import (
    AUTH_SECONDS,
    FRAME_BYTES,
    FRAMES_A_SECOND,
    FRAMES_AT_ONCE,
    LAST_LOOK_SECONDS,
    Authenticate,
    Close,
    Effect,
    Rate,
    Send,
    Session,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
AUTH = '{"type":"auth","token":"t","device_id":"d"}'
PING = '{"type":"ping","n":1}'


def principal(subject: str = "10086", session: int = 1) -> Principal:
    return Principal(audience="staff", subject=subject, session_id=UUID(int=session), device_id="d")


def signed_in(now: float = 0.0, expires: float = 600.0) -> Session:
    session = Session(now)
    session.receive(AUTH, now)
    session.authenticated(principal(), expires, NOON, now)
    return session


def code(effects: list[Effect]) -> int | None:
    """The code with which the effects close, null when they do not; nothing may follow a close."""
    assert not any(isinstance(effect, Close) for effect in effects[:-1])
    return effects[-1].code if effects and isinstance(effects[-1], Close) else None


def errors(effects: list[Effect]) -> list[str]:
    return [e.frame.code for e in effects if isinstance(e, Send) and isinstance(e.frame, Error)]


def test_auth_asks_who_it_is_and_then_says_ready() -> None:
    session = Session(0)
    assert session.receive(AUTH, 1) == [Authenticate("t", "d")]
    assert session.authenticated(principal(), 600, NOON, 1) == [
        Send(Ready(UUID(int=1), "staff:10086", NOON, conversations=[], resync=[]))
    ]
    assert session.receive(PING, 2) == [Send(Pong(1))]


def test_without_auth_it_ends_after_5_seconds_whatever_else_came() -> None:
    session = Session(10)
    assert errors(session.receive(PING, 14.9)) == ["not_allowed"]
    assert session.tick(14.99) == []
    assert session.deadline == 15
    assert session.tick(15) == []
    assert session.deadline == 15 + LAST_LOOK_SECONDS
    assert code(session.tick(15 + LAST_LOOK_SECONDS)) == 4401


def test_auth_that_comes_after_the_end_is_too_late() -> None:
    session = Session(0)
    session.tick(5)
    assert code(session.tick(6)) == 4401
    assert session.receive(AUTH, 6) == []


@pytest.mark.parametrize("woke", [5.0, 5.9, 8.0])
def test_a_node_that_stood_still_reads_what_lies_there_before_it_blames_a_stranger(woke: float) -> None:
    session = Session(0)
    assert session.tick(woke) == []
    assert session.receive(AUTH, woke) == [Authenticate("t", "d")]
    assert code(Session(0).receive(AUTH, woke)) is None, "the frame was read before the clock was heard"


def test_slow_authentication_is_not_the_clients_fault() -> None:
    session = Session(0)
    session.receive(AUTH, 4)
    assert session.tick(100) == []
    assert code(session.authenticated(principal(), 600, NOON, 100)) is None


@pytest.mark.parametrize("reason", ["wrong_credentials", "token_expired", "session_ended"])
def test_a_bad_token_ends_a_socket_that_nobody_signed_in_on(reason: ErrorCode) -> None:
    session = Session(0)
    session.receive(AUTH, 0)
    effects = session.refused(reason, "no", 0)
    assert errors(effects) == [reason]
    assert code(effects) == 4401


def test_when_nobody_can_tell_the_client_gets_another_5_seconds() -> None:
    session = Session(0)
    session.receive(AUTH, 4)
    effects = session.unavailable(8)
    assert errors(effects) == ["unavailable"]
    assert code(effects) is None
    assert session.deadline == 13
    session.receive(AUTH, 12)
    assert code(session.authenticated(principal(), 600, NOON, 12)) is None


def test_an_expired_token_is_told_and_closes() -> None:
    session = signed_in(expires=600)
    assert session.tick(599.9) == []
    effects = session.tick(600)
    assert errors(effects) == ["token_expired"]
    assert code(effects) == 4401
    assert session.receive(PING, 601) == []
    assert math.isinf(session.deadline)


def test_a_fresh_auth_before_the_end_renews_it() -> None:
    session = signed_in(expires=600)
    session.receive(AUTH, 599)
    assert session.tick(601) == [], "the answer is awaited"
    assert code(session.authenticated(principal(session=2), 1200, NOON, 601)) is None
    assert session.tick(1199) == []
    assert code(session.tick(1200)) == 4401


def test_a_renewal_that_fails_changes_nothing() -> None:
    session = signed_in(expires=600)
    session.receive(AUTH, 10)
    effects = session.refused("not_allowed", "no", 10)
    assert errors(effects) == ["not_allowed"]
    assert code(effects) is None
    assert session.receive(PING, 11) == [Send(Pong(1))]
    assert session.deadline == 600


def test_a_renewal_that_fails_too_late_ends_it() -> None:
    session = signed_in(expires=600)
    session.receive(AUTH, 599)
    effects = session.unavailable(601)
    assert errors(effects) == ["unavailable", "token_expired"]
    assert code(effects) == 4401


def test_another_principal_cannot_take_the_socket_over() -> None:
    session = signed_in()
    session.receive(AUTH, 10)
    assert errors(session.authenticated(principal("20000"), 9999, NOON, 10)) == ["not_allowed"]
    assert session.principal == principal()
    assert session.deadline == 600


@pytest.mark.parametrize(
    ("message", "closes"),
    [
        (b"\x00", 4400),
        ("{", 4400),
        ('{"type":"shout"}', 4400),
        ('{"type":"ping","n":1,"loud":true}', 4400),
        ('{"type":"ping","n":NaN}', 4400),
        ("[" * 60_000, 4400),
        ("\ud800", 4400),
        ("x" * (FRAME_BYTES + 1), 1009),
        ("\u4e2d" * (FRAME_BYTES // 3 + 1), 1009),
    ],
)
@pytest.mark.parametrize("session", ["new", "signed in"])
def test_what_closes_a_socket(session: str, message: str | bytes, closes: int) -> None:
    subject = signed_in() if session == "signed in" else Session(0)
    assert code(subject.receive(message, 1)) == closes
    assert subject.closed


def test_a_reason_fits_into_a_close_frame() -> None:
    unknown = "\u4e2d" * 500
    (close,) = signed_in().receive(f'{{"type":"ping","n":1,"{unknown}":1}}', 1)
    assert isinstance(close, Close)
    assert 60 < len(close.reason.encode()) <= 123


def test_a_value_out_of_bounds_is_answered_and_the_socket_lives() -> None:
    session = signed_in()
    assert errors(session.receive('{"type":"ping","n":-1}', 1)) == ["bad_frame"]
    assert session.receive(PING, 2) == [Send(Pong(1))]


def test_a_message_out_of_shape_is_refused_under_its_number() -> None:
    (answer,) = signed_in().receive(f'{{"type":"send","client_id":"{UUID(int=7)}","kind":"text"}}', 1)
    assert isinstance(answer, Send)
    assert isinstance(answer.frame, Error)
    assert (answer.frame.code, answer.frame.client_id) == ("bad_frame", UUID(int=7))


def test_100_at_once_then_20_a_second() -> None:
    session = signed_in()
    answers = [session.receive(PING, 0) for _ in range(99)]
    assert all(answer == [Send(Pong(1))] for answer in answers)
    assert session.receive(PING, 0.05) == [Send(Pong(1))]
    assert code(session.receive(PING, 0.06)) == 4029


def test_20_a_second_may_go_on_for_ever() -> None:
    session = signed_in()
    assert all(code(session.receive(PING, n / 20)) is None for n in range(10_000))


def test_revocation_and_draining_close_it_once() -> None:
    revoked = signed_in()
    effects = revoked.revoked()
    assert errors(effects) == ["session_ended"]
    assert code(effects) == 4401
    assert revoked.revoked() == revoked.drain(3) == []
    draining = Session(0)
    assert draining.drain(3)[0] == Send(Bye(3))
    assert code(draining.drain(3)) is None, "it is closed already"


@given(st.lists(st.floats(0, 3), max_size=400))
def test_the_rate_holds_for_every_spacing(pauses: list[float]) -> None:
    rate, now, taken = Rate(0), 0.0, []
    for pause in pauses:
        now += pause
        if rate.take(now):
            taken.append(now)
    for first, start in enumerate(taken):
        for last in range(first, len(taken)):
            assert last - first + 1 <= FRAMES_AT_ONCE + FRAMES_A_SECOND * (taken[last] - start) + 1e-6


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3)
)
FRAMES = st.dictionaries(st.sampled_from(["type", "n", "token", "device_id", "resume", "x"]), JSON).map(
    lambda fields: msgspec.json.encode({"type": "ping", **fields}).decode()
)
MESSAGES = st.one_of(
    st.sampled_from([AUTH, PING, AUTH, PING, "{", b"\x00"]),
    st.text(st.characters(codec=None, categories=None), max_size=40),
    st.binary(max_size=20),
    FRAMES,
)
STEPS = st.one_of(
    st.tuples(st.just("receive"), MESSAGES),
    st.tuples(st.sampled_from(["tick", "authenticated", "other", "refused", "unavailable"]), st.floats(0, 20)),
    st.tuples(st.sampled_from(["revoked", "drain"]), st.floats(0, 20)),
)


@given(st.lists(st.tuples(st.floats(0, 4), STEPS), max_size=60))
def test_whatever_happens_in_whatever_order(story: list[tuple[float, tuple[str, str | bytes | float]]]) -> None:
    session, now, asked, looked = Session(0), 0.0, 0, False
    for pause, (what, value) in story:
        now, was_closed, deadline, owner = now + pause, session.closed, session.deadline, session.principal
        effects = play(session, what, value, now)
        asked = sum(isinstance(effect, Authenticate) for effect in effects) or (asked if what == "receive" else 0)
        if was_closed:
            assert effects == []
        if now >= deadline and (what == "tick" or (what == "receive" and owner is not None)):
            if owner is None and not looked:
                assert (effects, session.deadline) == ([], now + LAST_LOOK_SECONDS), "a stranger has one last look"
                looked = True
            else:
                assert code(effects) == 4401, "nothing is done after a deadline but to close"
        if what == "unavailable" and session.principal is None and not was_closed:
            looked = False
        assert session.closed == (was_closed or code(effects) is not None)
        assert owner is None or (session.principal is not None and session.principal.name == owner.name)
        if session.principal is None and not session.closed and not asked:
            assert session.deadline <= now + AUTH_SECONDS
        for effect in effects:
            if isinstance(effect, Close):
                assert len(effect.reason.encode()) <= 123


def play(session: Session, what: str, value: str | bytes | float, now: float) -> list[Effect]:  # noqa: PLR0911
    match what, value:
        case "receive", str() | bytes():
            return session.receive(value, now)
        case "authenticated" | "other", float():
            return session.authenticated(principal("1" if what == "other" else "2"), now + value, NOON, now)
        case "refused", _:
            return session.refused("not_allowed", "no", now)
        case "unavailable", _:
            return session.unavailable(now)
        case "revoked", _:
            return session.revoked()
        case "drain", float():
            return session.drain(value)
    return session.tick(now)
