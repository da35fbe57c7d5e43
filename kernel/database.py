"""The pool of one process: connections acquired once per request, waited for in bounds, never in silence."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol, Self

import asyncpg

from kernel.errors import Overloaded, Unavailable
from kernel.settings import Settings

AWAY = (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError, asyncpg.AdminShutdownError,
        asyncpg.CrashShutdownError, asyncpg.TooManyConnectionsError)  # fmt: skip
"""What asyncpg raises when PostgreSQL is away, stopping or starting; worth trying again."""

_PLANNED_ONCE = {"plan_cache_mode": "force_generic_plan"}


class Tx(Protocol):
    """A connection inside a transaction: all that a query may use of it."""

    async def fetch(self, query: str, *args: Any) -> list[asyncpg.Record]: ...
    async def fetchrow(self, query: str, *args: Any) -> asyncpg.Record | None: ...
    async def fetchval(self, query: str, *args: Any) -> Any: ...
    async def execute(self, query: str, *args: Any) -> str: ...
    async def executemany(self, command: str, args: Sequence[Sequence[Any]]) -> None: ...
    def transaction(self) -> Any: ...


class Database:
    """A bounded pool; `transaction()` gives a `Tx` that commits when the block ends and rolls back when it raises."""

    def __init__(self, pool: asyncpg.Pool, wait: float, waiters: int) -> None:
        self._pool, self._wait, self._waiters, self._waiting = pool, wait, waiters, 0

    @classmethod
    async def open(
        cls, url: str, settings: Settings, *, size: int | None = None, minimum: int = 1, plan_once: bool = False
    ) -> Self:
        """Connects; raises `Unavailable` when PostgreSQL does not answer.

        With `plan_once` a query is planned once per connection, whatever its parameters: planning one of ours under
        row-level security takes ten times as long as running it.
        """
        size = size or settings.pool_size
        try:
            pool = await asyncpg.create_pool(
                url,
                min_size=min(minimum, size),
                max_size=size,
                timeout=5,
                command_timeout=settings.statement_timeout + 5,
                reset=_nothing_to_reset,
                server_settings={**session_settings(settings), **(_PLANNED_ONCE if plan_once else {})},
            )
        except (*AWAY, asyncpg.PostgresError, TimeoutError) as error:
            raise Unavailable(f"PostgreSQL does not answer: {type(error).__name__}: {error}") from error
        return cls(pool, settings.pool_wait, settings.pool_waiters)

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.pool.PoolConnectionProxy]:
        """A connection outside a transaction; raises `Overloaded` (none free in time) or `Unavailable` (away, lost)."""
        connection = await self._acquire()
        try:
            yield connection
        except (*AWAY, asyncpg.InterfaceError) as error:
            if isinstance(error, asyncpg.PostgresError) or _lost(connection):
                raise Unavailable("the connection to PostgreSQL was lost") from error
            raise
        finally:
            await self._pool.release(connection)

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """One transaction on one connection."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    @property
    def free(self) -> int:
        """Connections that a request could have at once: idle ones and those not opened yet."""
        return int(self._pool.get_idle_size() + self._pool.get_max_size() - self._pool.get_size())

    @property
    def waiting(self) -> int:
        """Requests that wait for a connection now."""
        return self._waiting

    async def close(self) -> None:
        """Closes every connection, those in use by force after 5 s."""
        try:
            async with asyncio.timeout(5):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    async def _acquire(self) -> asyncpg.pool.PoolConnectionProxy:
        if self.free == 0 and self._waiting >= self._waiters:
            raise Overloaded("every database connection is in use and the queue for them is full")
        self._waiting += 1
        try:
            return await self._pool.acquire(timeout=self._wait)
        except TimeoutError as error:
            raise Overloaded("no database connection came free in time") from error
        except (*AWAY, asyncpg.InterfaceError) as error:
            raise Unavailable("PostgreSQL does not answer") from error
        finally:
            self._waiting -= 1


def _lost(connection: asyncpg.pool.PoolConnectionProxy) -> bool:
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:
        return True  # the pool has taken it back already


def session_settings(settings: Settings) -> dict[str, str]:
    """What every connection of the app sets on itself when it connects."""
    return {
        "application_name": "hexad",
        "timezone": "Asia/Shanghai",
        "statement_timeout": f"{int(settings.statement_timeout * 1000)}",
        "lock_timeout": f"{int(settings.lock_timeout * 1000)}",
        "idle_in_transaction_session_timeout": "60000",
        "jit": "off",
    }


async def _nothing_to_reset(connection: asyncpg.Connection) -> None:
    """Everything we set is local to a transaction, so a connection goes back as it came, without a round trip."""
