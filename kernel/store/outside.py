"""No transaction is open across a call to somebody outside: its locks, its snapshot and its connection would wait too.

Clients of other services say `call` before they speak; where a transaction of the caller's is open, that is refused.
What must hold rows while the broker answers says so, and why, with `held`; a test names all that do.
"""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar


class _Transaction:
    """One that is open, as long as it is."""

    def __init__(self) -> None:
        self.open = True


_around: ContextVar[_Transaction | None] = ContextVar("transaction", default=None)


@contextlib.contextmanager
def transaction() -> Iterator[None]:
    """Around every transaction; tasks that are made in it, and outlive it, are not in it any more."""
    before, this = _around.get(), _Transaction()
    _around.set(this)
    try:
        yield
    finally:
        this.open = False
        _around.set(before)


@contextlib.contextmanager
def held(_why: str) -> Iterator[None]:
    """Rows are held on purpose while the broker answers, which it does in bounds; said is what would go wrong else."""
    before = _around.get()
    _around.set(None)
    try:
        yield
    finally:
        _around.set(before)


def call(whom: str) -> None:
    """Raises `CalledInTransaction` when a transaction of the caller's is open."""
    around = _around.get()
    if around is not None and around.open:
        raise CalledInTransaction(f"{whom} is called while a transaction is open")


class CalledInTransaction(AssertionError):
    """A fault of ours: a transaction would wait for somebody outside."""
