"""A request holds one connection of the pool: an application wrapped in this notes every one that asks for a second."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import asyncpg
import pytest

from kernel.store.database import Database

_held: ContextVar[list[tuple[Database, object]] | None] = ContextVar("held", default=None)
"""The connections that the request under way holds; its tasks share the list."""


class Watched:
    """The application, each of whose requests is told apart."""

    def __init__(self, app: Any) -> None:
        self._app, self.inner = app, app.inner

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        token = _held.set([])
        try:
            await self._app(scope, receive, send)
        finally:
            _held.reset(token)


@contextlib.contextmanager
def noted() -> Iterator[list[str]]:
    """The requests' second connections, each as the place that asked; nothing is noted outside of requests."""
    seconds: list[str] = []
    acquire, release = Database.acquire, Database.release
    held_by: dict[int, list[tuple[Database, object]]] = {}

    async def watched_acquire(self: Database) -> asyncpg.pool.PoolConnectionProxy:
        held = _held.get()
        if held and any(database is self for database, _ in held):
            seconds.append("a request that holds a connection asked for another one")
        connection = await acquire(self)
        if held is not None:
            held.append((self, connection))
            held_by[id(connection)] = held
        return connection

    async def watched_release(self: Database, connection: asyncpg.pool.PoolConnectionProxy) -> None:
        held = held_by.pop(id(connection), [])
        held[:] = [one for one in held if one[1] is not connection]
        await release(self, connection)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "acquire", watched_acquire)
        patch.setattr(Database, "release", watched_release)
        yield seconds
