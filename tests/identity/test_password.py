"""What a password may be, and that hashing neither blocks the API nor is shortened for anybody."""

import asyncio
import contextlib
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity import password
from identity.password import LONGEST, SHORTEST, Passwords, check, normal
from kernel.errors import InvalidInput, Overloaded


@pytest.mark.parametrize(
    "bad",
    ["", "short", "a" * 9, "a" * 10, "ababababab", "x" * 129, "1234567890", "9876543210", "abcdefghij", "ZYXWVUTSRQ",
     "Password123", "woaini1314520", "QWERTYUIOP", "１２３４５６７８９０", "880001880001", "a880001a", "0880001000",
     "88000112345"],
)  # fmt: skip
def test_what_anybody_would_try_first_is_refused(bad: str) -> None:
    with pytest.raises(InvalidInput) as error:
        check(bad, "880001")
    assert [one.field for one in error.value.errors] == ["password"]
    assert bad == "" or bad not in str(error.value.errors)


@pytest.mark.parametrize("good", ["correct horse", "七转八起春江花月夜晚", "Tr0ub4dor&3x", "x1" + "y" * 126])
def test_what_is_long_and_not_common_is_taken(good: str) -> None:
    assert check(good, "880001") == good


def test_every_common_password_is_long_enough_to_matter_and_refused() -> None:
    assert len(password._common()) > 300
    for one in password._common():
        assert one == normal(one).casefold()
        assert len(one) >= SHORTEST
        with pytest.raises(InvalidInput):
            check(one.upper(), "x")


@settings(deadline=None)
@given(st.text(max_size=200))
def test_anything_is_taken_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidInput):
        assert SHORTEST <= len(check(text, "880001")) <= LONGEST


async def test_the_right_one_verifies_and_nothing_else() -> None:
    passwords = Passwords()
    stored = await passwords.hash(normal("correct horse ﬁn"))
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.verify(stored, "correct horse fin")
    for wrong in ("correct horse", "Correct horse fin", "", "x" * 10_000, "\ud800"[:0]):
        assert not await passwords.verify(stored, wrong)
    assert not await passwords.verify("not a hash", "correct horse fin")
    assert not passwords.outdated(stored)


async def test_for_nobody_the_same_work_is_done() -> None:
    passwords = Passwords()
    assert not await passwords.verify(None, "anything at all")
    assert passwords.verified == 1


async def test_the_loop_turns_while_passwords_are_verified_and_half_of_the_cores_are_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    passwords, turns, at_once, most, lock = Passwords(), 0, 0, 0, threading.Lock()

    def work(stored: str, plain: str) -> bool:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.02)
        with lock:
            at_once -= 1
        return False

    monkeypatch.setattr(password, "_verified", work)
    verifying = asyncio.gather(*(passwords.verify(None, "anything at all") for _ in range(8)))
    while not verifying.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 8
    assert most == 2


def test_too_many_at_once_are_told_to_come_back_strangers_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(password, "_WAITING_AT_MOST", 3)
    monkeypatch.setattr(password, "_STRANGERS_AT_MOST", 2)
    passwords = Passwords()
    with passwords.place(known=False), passwords.place(known=True):
        with pytest.raises(Overloaded), passwords.place(known=False):
            pytest.fail("there was no place for a stranger")
        with passwords.place(known=True), pytest.raises(Overloaded), passwords.place(known=True):
            pytest.fail("there was no place for anybody")
    with passwords.place(known=False):
        assert passwords._waiting == 1
    assert passwords._waiting == 0


def test_some_places_are_not_for_strangers() -> None:
    assert password._STRANGERS_AT_MOST < password._WAITING_AT_MOST
