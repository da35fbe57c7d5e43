"""The bus on PostgreSQL's LISTEN and NOTIFY: nothing to run beside the database.

NOTIFY holds one lock of the whole database until its transaction ends: so it stands alone in a short one.
"""

import asyncio
from pathlib import Path
from typing import NoReturn

import asyncpg

from kernel.bus.client import Bus, Heard, pass_on
from kernel.errors import Overloaded, Unavailable
from kernel.settings import Settings
from kernel.store.database import AWAY, Database, session_settings
from kernel.store.sql import load

CHANNEL = "hexad"
LOOK_SECONDS = 10.0
"""How often a listener asks whether its connection still lives."""

_ANSWER_SECONDS = 5.0
_sql = load(Path(__file__).with_name("postgres.sql"))


class PostgresBus(Bus):
    """`Bus` on the database of the settings."""

    def __init__(self, settings: Settings) -> None:
        super().__init__("PostgreSQL")
        self._settings = settings
        self._database: Database | None = None

    async def _tell(self, messages: list[str]) -> None:
        try:
            if self._database is None:
                self._database = await Database.open(self._settings.database_url, self._settings, size=1, minimum=0)
            async with self._database.connection() as connection:
                await _sql.tell(connection, messages=messages)
        except (*AWAY, asyncpg.PostgresError, Overloaded, Unavailable, TimeoutError) as error:
            raise Unavailable(f"PostgreSQL does not answer: {type(error).__name__}") from error

    async def close(self) -> None:
        """See `Bus`."""
        if self._database is not None:
            await self._database.close()
            self._database = None

    async def _hear(self, heard: Heard) -> NoReturn:
        try:
            connection = await asyncpg.connect(
                self._settings.database_url,
                timeout=_ANSWER_SECONDS,
                command_timeout=_ANSWER_SECONDS,
                server_settings=session_settings(self._settings),
            )
            try:
                await self._follow(connection, heard)
            finally:
                connection.terminate()
        except (*AWAY, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
            raise Unavailable(f"PostgreSQL does not answer: {type(error).__name__}") from error

    async def _follow(self, connection: asyncpg.Connection, heard: Heard) -> NoReturn:
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        await connection.add_listener(CHANNEL, lambda _connection, _pid, _channel, message: pass_on(message, heard))
        heard(None)
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await lost.wait()
            except TimeoutError:
                await _sql.answer(connection)
            else:
                raise Unavailable("the connection to PostgreSQL was lost")
