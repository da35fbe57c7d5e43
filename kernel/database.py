"""The pool of one process: connections acquired once per request, waited for in bounds, never in silence."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Protocol, Self

import asyncpg

from kernel.errors import Overloaded, Unavailable
from kernel.settings import Settings

AWAY = (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError, asyncpg.AdminShutdownError,
        asyncpg.CrashShutdownError, asyncpg.TooManyConnectionsError)  # fmt: skip
"""What asyncpg raises when PostgreSQL is away, stopping or starting; worth trying again."""

_OPEN_SECONDS = 0.02
"""How long a transaction that is over may wait for another to take its COMMIT along."""

_PLANNED_ONCE = {"plan_cache_mode": "force_generic_plan"}


class _Connection(asyncpg.Connection):
    """Sends statements together with the next one, so that they cost no round trip."""

    __slots__ = ("_ahead",)

    def with_next(self, statements: str) -> None:
        """What goes with the next `execute`, which has no arguments."""
        self._ahead = statements

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:  # noqa: ASYNC109  # asyncpg's
        if statements := getattr(self, "_ahead", ""):
            self._ahead = ""
            query += statements
        return str(await super().execute(query, *args, timeout=timeout))


class Tx(Protocol):
    """A connection inside a transaction: all that a query may use of it."""

    async def fetch(self, query: str, *args: Any) -> list[asyncpg.Record]: ...
    async def fetchrow(self, query: str, *args: Any) -> asyncpg.Record | None: ...
    async def fetchval(self, query: str, *args: Any) -> Any: ...
    async def execute(self, query: str, *args: Any) -> str: ...
    async def executemany(self, command: str, args: Sequence[Sequence[Any]]) -> None: ...
    def transaction(self) -> Any: ...


class Database:
    """A bounded pool; `transaction()` gives a `Tx` that commits when the block ends and rolls back when it raises.

    `reading()` is for what only reads, many times a second: a connection goes from one to the next without the pool,
    and the COMMIT of the one goes with the BEGIN of the other. Whoever writes has precedence.
    """

    def __init__(self, pool: asyncpg.Pool, wait: float, waiters: int) -> None:
        self._pool, self._wait, self._waiters, self._waiting, self._used = pool, wait, waiters, 0, 0
        self._size = pool.get_max_size()
        self._over: list[asyncpg.pool.PoolConnectionProxy] = []
        self._readers: deque[asyncio.Future[asyncpg.pool.PoolConnectionProxy | None]] = deque()
        self._settling: asyncio.TimerHandle | None = None
        self._ending: set[asyncio.Task[None]] = set()

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
                connection_class=_Connection,
                server_settings={**session_settings(settings), **(_PLANNED_ONCE if plan_once else {})},
            )
        except (*AWAY, asyncpg.PostgresError, TimeoutError) as error:
            raise Unavailable(f"PostgreSQL does not answer: {type(error).__name__}: {error}") from error
        return cls(pool, settings.pool_wait, settings.pool_waiters)

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.pool.PoolConnectionProxy]:
        """A connection outside a transaction; raises `Overloaded` (none free in time) or `Unavailable` (away, lost)."""
        if self._over:
            await self._end(self._over.pop(), "commit")
        connection = await self._acquire()
        self._used += 1
        try:
            with _honest(connection):
                yield connection
        finally:
            await self._release(connection)

    @contextlib.asynccontextmanager
    async def reading(self, opening: str = "") -> AsyncIterator[Tx]:
        """A transaction that cannot write; `opening` goes with its BEGIN, its COMMIT with the next one's."""
        connection = await self._reader()
        try:
            with _honest(connection):
                before = "commit;" if connection.is_in_transaction() else ""
                await connection.execute(f"{before}begin read only;{opening}")
                yield connection
        except BaseException:
            await self._end(connection, "rollback")
            raise
        self._pass_on(connection)

    @contextlib.asynccontextmanager
    async def transaction(self, opening: str = "") -> AsyncIterator[Tx]:
        """One transaction on one connection; statements of `opening` go with its BEGIN, in one round trip."""
        async with self.connection() as connection:
            connection.with_next(opening)
            async with connection.transaction():
                yield connection

    @property
    def free(self) -> int:
        """Connections that a request could have at once: idle ones and those not opened yet."""
        return int(self._size - self._used) + len(self._over)

    @property
    def waiting(self) -> int:
        """Requests that wait for a connection now."""
        return self._waiting + len(self._readers)

    async def close(self) -> None:
        """Closes every connection, those in use by force after 5 s."""
        self._settle()
        try:
            async with asyncio.timeout(5):
                await asyncio.gather(*self._ending)
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    async def _acquire(self) -> asyncpg.pool.PoolConnectionProxy:
        if self.free <= 0 and self.waiting >= self._waiters:
            raise Overloaded("every database connection is in use and the queue for them is full")
        self._waiting += 1
        try:
            return await self._pool.acquire(timeout=self._wait)
        except TimeoutError as error:
            raise Overloaded("no database connection came free in time") from error
        except (*AWAY, asyncpg.InterfaceError) as error:
            self._wake(None)  # the next reader shall find out at once, not after its time
            raise Unavailable("PostgreSQL does not answer") from error
        finally:
            self._waiting -= 1

    async def _reader(self) -> asyncpg.pool.PoolConnectionProxy:
        """A connection of the reader before, whose transaction is over but for its COMMIT, or one of the pool."""
        while True:
            if self._over:
                connection = self._over.pop()
            elif self._used + self._waiting < self._size or self.waiting >= self._waiters:
                connection = await self._acquire()
                self._used += 1
            else:
                connection = await self._next()
            if connection is not None and not _lost(connection):
                return connection
            if connection is not None:
                await self._release(connection)

    async def _next(self) -> asyncpg.pool.PoolConnectionProxy | None:
        """What another reader passes on, null when the pool has one; raises `Overloaded` when that takes too long."""
        mine: asyncio.Future[asyncpg.pool.PoolConnectionProxy | None] = asyncio.get_running_loop().create_future()
        self._readers.append(mine)
        try:
            async with asyncio.timeout(self._wait):
                return await mine
        except BaseException as error:
            if mine.done() and not mine.cancelled() and (passed := mine.result()) is not None:
                self._pass_on(passed)
            if isinstance(error, TimeoutError):
                raise Overloaded("no database connection came free in time") from error
            raise
        finally:
            with contextlib.suppress(ValueError):
                self._readers.remove(mine)

    def _pass_on(self, connection: asyncpg.pool.PoolConnectionProxy) -> None:
        if self._waiting:
            self._end_soon(connection)
        elif not self._wake(connection):
            self._over.append(connection)
            if self._settling is None:
                self._settling = asyncio.get_running_loop().call_later(_OPEN_SECONDS, self._settle)

    def _wake(self, connection: asyncpg.pool.PoolConnectionProxy | None) -> bool:
        while self._readers:
            reader = self._readers.popleft()
            if not reader.done():
                reader.set_result(connection)
                return True
        return False

    def _settle(self) -> None:
        """Ends the transactions that no reader came for."""
        if self._settling is not None:
            self._settling.cancel()
            self._settling = None
        while self._over:
            self._end_soon(self._over.pop())

    def _end_soon(self, connection: asyncpg.pool.PoolConnectionProxy) -> None:
        task = asyncio.get_running_loop().create_task(self._end(connection, "commit"))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _end(self, connection: asyncpg.pool.PoolConnectionProxy, how: str) -> None:
        try:
            if not _lost(connection) and connection.is_in_transaction():
                await connection.execute(how)
        except (*AWAY, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
            pass  # it is lost, and its transaction with it: nothing was written in it
        finally:
            await self._release(connection)

    async def _release(self, connection: asyncpg.pool.PoolConnectionProxy) -> None:
        self._used -= 1
        await self._pool.release(connection)
        if self._used < self._size:
            self._wake(None)


@contextlib.contextmanager
def _honest(connection: asyncpg.pool.PoolConnectionProxy) -> Iterator[None]:
    """Says `Unavailable` when the connection was lost."""
    try:
        yield
    except (*AWAY, asyncpg.InterfaceError) as error:
        if isinstance(error, asyncpg.PostgresError) or _lost(connection):
            raise Unavailable("the connection to PostgreSQL was lost") from error
        raise


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
        "standard_conforming_strings": "on",
    }


async def _nothing_to_reset(connection: asyncpg.Connection) -> None:
    """Everything we set is local to a transaction, so a connection goes back as it came, without a round trip."""
