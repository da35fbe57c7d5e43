"""The pool of one process: connections acquired once per request, waited for in bounds, never in silence."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Any, Self

import asyncpg

from kernel.errors import Overloaded, Unavailable
from kernel.settings import Settings
from kernel.store import outside
from kernel.store.lineage import Lineage
from kernel.store.tx import Tx
from kernel.telemetry import logs

__all__ = ["AWAY", "BROKEN", "Database", "Tx", "check_keys", "session_settings"]

AWAY = (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError, asyncpg.AdminShutdownError,
        asyncpg.CrashShutdownError, asyncpg.TooManyConnectionsError)  # fmt: skip
"""What asyncpg raises when PostgreSQL is away, stopping or starting; worth trying again."""
BROKEN = (*AWAY, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""The same, and what it raises on a connection that a crash has left half-way."""
_SPOILT = (asyncpg.InternalClientError,)
"""What asyncpg raises when a connection is in a state from which it finds no way back; it is thrown away."""

_CONNECT_SECONDS = 5.0
CANCEL_SECONDS = 1.0
"""How long a cancelled query may take to end; then its connection is thrown away, for PostgreSQL may have stopped."""
_PLANNED_ONCE = {"plan_cache_mode": "force_generic_plan"}
_BY_KEYS = {"enable_seqscan": "off"}
_log = logs.logger(__name__)


class _Connection(asyncpg.Connection):
    """Remembers under which scope it reads; null: under none."""

    __slots__ = ("scope",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.scope: object = None

    def _cancel_current_command(self, sent: asyncio.Future[None], over: asyncio.Future[None] | None = None) -> None:
        """Without the bound whoever rolls back or releases would wait until a PostgreSQL that has stopped goes on."""
        super()._cancel_current_command(sent, over)
        self._loop.call_later(CANCEL_SECONDS, self._give_up, sent if over is None else over)

    def _give_up(self, over: asyncio.Future[None]) -> None:
        if not over.done():
            self.terminate()

    async def read_as(self, scope: object, apply: Callable[[Tx], Awaitable[None]]) -> None:
        """Has `apply` set the scope, unless it is this very one already; broken off, it stands as an unknown one."""
        if self.scope != scope:
            self.scope = _UNKNOWN
            await apply(self)
            self.scope = scope

    async def forget_scope(self) -> None:
        """Unsets what a reader left on the connection."""
        if self.scope is not None:
            self.scope = _UNKNOWN  # broken off, it may be unset already
            await self.reset()
            self.scope = None


_UNKNOWN = object()


class Database:
    """A bounded pool; `transaction()` gives a `Tx` that commits when the block ends and rolls back when it raises."""

    def __init__(self, pool: asyncpg.Pool, wait: float, waiters: int, lineage: Lineage) -> None:
        self.lineage = lineage
        self._pool, self._wait, self._waiters, self._waiting, self._used = pool, wait, waiters, 0, 0

    @classmethod
    async def open(
        cls, url: str, settings: Settings, *, size: int | None = None, minimum: int = 1, plan_once: bool = False,
        whole_tables: bool = True,
    ) -> Self:  # fmt: skip
        """Connects; raises `Unavailable` when PostgreSQL does not answer.

        With `plan_once` a query is planned once per connection, whatever its parameters: planning one of ours under
        row-level security takes ten times as long as running it. Without `whole_tables` no plan reads all of a table
        that has an index for it: for who asks by keys alone, and whose plan may be of a time when the table was empty.
        """
        if not url:
            raise Unavailable("no database is named")  # the driver would take one from its own defaults
        size = size or settings.pool_size
        lineage = Lineage(settings)
        try:
            pool = await asyncpg.create_pool(
                url,
                min_size=min(minimum, size),
                max_size=size,
                timeout=_CONNECT_SECONDS,
                command_timeout=settings.statement_timeout + 5,
                connection_class=_Connection,
                init=lineage.meet,
                reset=_nothing_to_reset,
                server_settings={
                    **session_settings(settings),
                    **(_PLANNED_ONCE if plan_once else {}),
                    **({} if whole_tables else _BY_KEYS),
                },
            )
        except (*AWAY, *_SPOILT, asyncpg.PostgresError, TimeoutError) as error:
            raise Unavailable(f"PostgreSQL does not answer: {type(error).__name__}: {error}") from error
        return cls(pool, settings.pool_wait, settings.pool_waiters, lineage)

    def connection(self) -> "_Held":
        """A connection outside a transaction; raises `Overloaded` (none free in time) or `Unavailable` (away, lost)."""
        return _Held(self)

    def reading(self, scope: object, apply: Callable[[Tx], Awaitable[None]]) -> "_Held":
        """A connection under the scope that `apply` sets, outside a transaction: two round trips for a query, not four.

        What is set stays with the connection, for the same scope to find it there; nobody else sees it.
        """
        return _Held(self, scope, apply)

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """One transaction on one connection."""
        with outside.transaction():
            async with self.connection() as connection, connection.transaction():
                yield connection

    @property
    def free(self) -> int:
        """Connections that a request could have at once: idle ones and those not opened yet."""
        return int(self._pool.get_max_size()) - self._used  # the pool would look at each of its connections

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
            _log.warning("connections closed by force", open=self._pool.get_size(), idle=self._pool.get_idle_size())
            self._pool.terminate()

    async def acquire(self) -> asyncpg.pool.PoolConnectionProxy:
        """A connection that `release` takes back, waited for in bounds."""
        free = self.free
        if self._waiting >= self._waiters and free == 0:
            raise Overloaded("every database connection is in use and the queue for them is full")
        self._waiting += 1
        wait = self._wait if free == 0 else max(self._wait, _CONNECT_SECONDS)  # to connect is not to wait in line
        idle = free > 0 and self._pool.get_idle_size() > 0  # it is there at once
        try:
            connection = await self._pool.acquire(timeout=None if idle else wait)
        except TimeoutError as error:
            raise Overloaded("no database connection came free in time") from error
        except (*AWAY, *_SPOILT, asyncpg.InterfaceError) as error:
            raise Unavailable("PostgreSQL does not answer") from error
        finally:
            self._waiting -= 1
        self._used += 1
        return connection

    async def release(self, connection: asyncpg.pool.PoolConnectionProxy) -> None:
        """Gives a connection back."""
        try:
            await self._pool.release(connection)
        finally:
            self._used -= 1


class _Held:
    """A connection for the length of a block, under a scope or none; a class, as generators cost each read more."""

    __slots__ = ("_apply", "_connection", "_database", "_scope")

    def __init__(
        self, database: Database, scope: object = None, apply: Callable[[Tx], Awaitable[None]] | None = None
    ) -> None:
        self._database, self._scope, self._apply = database, scope, apply

    async def __aenter__(self) -> asyncpg.pool.PoolConnectionProxy:
        self._connection = connection = await self._database.acquire()
        try:
            if self._apply is None:
                await connection.forget_scope()
            else:
                await connection.read_as(self._scope, self._apply)
        except BaseException as error:
            await self.__aexit__(type(error), error, error.__traceback__)
            raise
        return connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        try:
            if isinstance(error, _SPOILT) and not _lost(self._connection):
                self._connection.terminate()
            lost = isinstance(error, (*AWAY, *_SPOILT, asyncpg.InterfaceError))
            if lost and (isinstance(error, asyncpg.PostgresError) or _lost(self._connection)):
                if _cancelled():  # by a time limit perhaps, which makes of it what it should be
                    raise asyncio.CancelledError from error
                raise Unavailable("the connection to PostgreSQL was lost") from error
        finally:
            await self._database.release(self._connection)


def _cancelled() -> bool:
    """Whether this task was told to stop, and a rollback that failed has taken the place of that."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _lost(connection: asyncpg.pool.PoolConnectionProxy) -> bool:
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:
        return True  # the pool has taken it back already


async def check_keys(settings: Settings) -> None:
    """Raises `Misconfigured` when PostgreSQL answers and knows other keys than ours; one that is away is waited for."""
    try:
        database = await Database.open(settings.database_url, settings, size=1)
    except Unavailable as error:
        _log.warning("PostgreSQL did not answer at the start: its keys are looked at when it does", error=error.detail)
        return
    await database.close()


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
    """A connection goes back without a round trip: what a reader set on it is unset when somebody else takes it."""
