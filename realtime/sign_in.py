"""The one question that a socket asks the database: whose token is this, and is its session in force?"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from uuid import UUID

import asyncpg

from identity.principal import LEEWAY_SECONDS, Tokens, find_many
from kernel.errors import NotSignedIn, Overloaded, SessionOver, Unavailable
from kernel.security.scope import Audience, Principal
from kernel.settings import Settings
from kernel.store.database import AWAY, Database
from realtime.together import Together

AUDIENCES: tuple[Audience, ...] = ("staff", "investor")
_ANSWER_SECONDS, _FIND_SECONDS = 5.0, 4.0
_KEPT = 4  # connections for what the node does for many: messages, marks, looking
_TOO_LONG = (asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError)  # a migration has the table, for instance
_VERIFIED_AT_MOST = 20_000


class SignIn:
    """Checks tokens, many by one question: when thousands reconnect, they wait in line here.

    Of a token it is remembered that its signature is good. Nothing else is, other than over HTTP: a socket signs in
    rarely, and must not outlive a revocation.
    """

    def __init__(self, tokens: Tokens, database: Database, settings: Settings) -> None:
        self._tokens, self._database = tokens, database
        self._verified: OrderedDict[str, tuple[UUID, float]] = OrderedDict()
        self._together = Together(self._find)
        self.line = asyncio.Semaphore(max(1, settings.pool_size - _KEPT))
        """Of all who want something of the database for one client; the node's own work stands beside it."""

    async def of(self, token: str, device_id: str) -> tuple[Principal, float]:
        """The principal, and until when the token is taken (Unix seconds): over HTTP it is as long.

        Raises `NotSignedIn` when the token or its device is not the right one, `SessionOver`, or `Unavailable` when
        nobody can tell within 5 s.
        """
        session_id, expires = self._verify(token)
        principal = await self._together.ask(session_id, _ANSWER_SECONDS)
        if principal is None:
            raise SessionOver
        if principal.audience not in AUDIENCES or principal.device_id not in ("", device_id):
            raise NotSignedIn
        return principal, expires + LEEWAY_SECONDS

    def _verify(self, token: str) -> tuple[UUID, float]:
        """As `Tokens.verify`; the same token is not reckoned through again until it expires."""
        known = self._verified.get(token)
        if known is not None and time.time() < known[1]:
            self._verified.move_to_end(token)
            return known
        self._verified.pop(token, None)
        found = self._tokens.verify(token, AUDIENCES)
        self._verified[token] = found
        if len(self._verified) > _VERIFIED_AT_MOST:
            self._verified.popitem(last=False)
        return found

    async def _find(self, session_ids: Sequence[UUID]) -> list[Principal | None]:
        try:
            async with asyncio.timeout(_FIND_SECONDS), self.line, self._database.transaction() as tx:
                found = await find_many(tx, session_ids)
        except (Overloaded, TimeoutError, *AWAY, *_TOO_LONG) as error:
            raise Unavailable from error
        return [found.get(one) for one in session_ids]
