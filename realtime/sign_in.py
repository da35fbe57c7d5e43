"""The one question that a socket asks the database: whose token is this, and is its session in force?"""

import asyncio

import asyncpg

from kernel.database import AWAY, Database
from kernel.errors import NotSignedIn, Overloaded, Unavailable
from kernel.identity import Tokens, find
from kernel.scope import Audience, Principal
from kernel.settings import Settings

AUDIENCES: tuple[Audience, ...] = ("staff", "investor")
_ANSWER_SECONDS = 5.0
_KEPT = 4  # connections for what the node does for many: messages, marks, looking
_TOO_LONG = (asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError)  # a migration has the table, for instance


class SignIn:
    """Checks tokens, as many at once as there are connections: when thousands reconnect, they wait in line here.

    Nothing is remembered, other than over HTTP: a socket signs in rarely, and must not outlive a revocation.
    """

    def __init__(self, tokens: Tokens, database: Database, settings: Settings) -> None:
        self._tokens, self._database = tokens, database
        self.line = asyncio.Semaphore(max(1, settings.pool_size - _KEPT))
        """Of all who want something of the database for one client; the node's own work stands beside it."""

    async def of(self, token: str, device_id: str) -> tuple[Principal, float]:
        """The principal and the token's expiry (Unix seconds).

        Raises `NotSignedIn` when the token, its session or its device is not the right one, `Unavailable` when nobody
        can tell within 5 s.
        """
        session_id, expires = self._tokens.verify(token, AUDIENCES)
        try:
            async with asyncio.timeout(_ANSWER_SECONDS), self.line, self._database.transaction() as tx:
                principal = await find(tx, session_id)
        except (Overloaded, TimeoutError, *AWAY, *_TOO_LONG) as error:
            raise Unavailable from error
        if principal.audience not in AUDIENCES or principal.device_id not in ("", device_id):
            raise NotSignedIn
        return principal, expires
