"""Passwords: what one may be, and Argon2id by OWASP's parameters on threads of its own, so that the API stays free."""

import asyncio
import contextlib
import itertools
import os
import secrets
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from kernel.errors import FieldError, InvalidInput, Overloaded

SHORTEST, LONGEST = 10, 128
_WAITING_AT_MOST, _STRANGERS_AT_MOST = 64, 48
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, hash_len=32, salt_len=16)
_COMMON = Path(__file__).with_name("common_passwords.txt")
_Result = TypeVar("_Result")


def normal(password: str) -> str:
    """The password in the form in which it is hashed (NFKC): the same however a keyboard composes it."""
    return unicodedata.normalize("NFKC", password)


def check(password: str, person: str) -> str:
    """The normal form of a new password of this person (their number).

    Raises `InvalidInput` when it is too short, too long, common, one pattern, or the person's own number.
    """
    plain = normal(password)
    if not SHORTEST <= len(plain) <= LONGEST:
        raise _refused("it must have 10 to 128 characters", "须为 10–128 个字符")
    folded = plain.casefold()
    if folded in _common() or _is_pattern(folded):
        raise _refused("it is one of the first that anybody would try", "密码过于常见")
    own = person.casefold()
    if own in folded and len(folded.replace(own, "")) <= SHORTEST // 2:
        raise _refused("it is hardly more than your own number", "密码与本人编号过于相似")
    return plain


class Passwords:
    """Hashes and verifies, as many at once as half of the cores, for whoever has taken a place."""

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(max(1, (os.cpu_count() or 2) // 2))
        self._waiting = 0
        self.verified = 0

    @contextlib.contextmanager
    def place(self, *, known: bool) -> Iterator[None]:
        """Raises `Overloaded` when too many wait: to be taken before an attempt counts, and held until it is decided.

        Strangers get three quarters of the places: whoever comes on a known device does not find all of them taken.
        """
        if self._waiting >= (_WAITING_AT_MOST if known else _STRANGERS_AT_MOST):
            raise Overloaded("too many sign-ins wait")
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    async def hash(self, plain: str) -> str:
        """A normal form as Argon2id, in its own encoded form."""
        return await self._apart(_HASHER.hash, plain)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether it is the password; without a stored one the same work is done for nothing."""
        self.verified += 1
        right = await self._apart(_verified, stored or _nobodys(), normal(password))
        return right and stored is not None

    @staticmethod
    def outdated(stored: str) -> bool:
        """Whether it was hashed with other parameters than today's."""
        return _HASHER.check_needs_rehash(stored)

    async def _apart(self, work: Callable[..., _Result], *args: str) -> _Result:
        async with self._room:
            return await asyncio.to_thread(work, *args)


def _verified(stored: str, plain: str) -> bool:
    try:
        return _HASHER.verify(stored, plain)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys() -> str:
    """The hash of a password that nobody knows."""
    return _HASHER.hash(secrets.token_urlsafe(32))


@cache
def _common() -> frozenset[str]:
    return frozenset(_COMMON.read_text("utf-8").split())


def _is_pattern(folded: str) -> bool:
    """One or two characters over and over, or each the next of the one before (1234567890, zyxwvutsrq)."""
    steps = {(ord(b) - ord(a)) for a, b in itertools.pairwise(folded)}
    return len(set(folded)) <= 2 or steps <= {1, -9} or steps <= {-1, 9}


def _refused(why: str, why_zh: str) -> InvalidInput:
    return InvalidInput(errors=[FieldError("password", why, why_zh)])
