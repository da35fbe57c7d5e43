"""What is promised, and the first thing that is not so."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

PATIENCE = 20.0
"""Seconds after which what did not come is held not to come."""

_LOOK_SECONDS = 0.1
_Found = TypeVar("_Found")


class Broken(Exception):
    """Something is not as promised; the message says what it is."""


def promised(holds: bool, otherwise: str) -> None:
    """Raises `Broken` with these words when it does not hold."""
    if not holds:
        raise Broken(otherwise)


async def until(what: str, look: Callable[[], Awaitable[_Found | None]], seconds: float = PATIENCE) -> _Found:
    """Looks again and again until there is something; raises `Broken` saying what did not come."""
    ends = time.monotonic() + seconds
    while (found := await look()) is None:
        promised(time.monotonic() < ends, f"not within {seconds:g} s: {what}")
        await asyncio.sleep(_LOOK_SECONDS)
    return found
