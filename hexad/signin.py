"""The operator's way in: a session opened by command, audited, and an access token for it."""

from identity.principal import Tokens, open_session
from kernel.errors import InvalidInput
from kernel.events.outbox import Record, emit
from kernel.security.scope import Audience, apply_system
from kernel.settings import Settings
from kernel.store.database import Database
from mobile_contracts.event import TokenIssued

_ANY_DEVICE = ""


async def issue(settings: Settings, audience: Audience, subject: str, roles: list[str]) -> str:
    """A token that lives `token_seconds`, as does its session; raises `InvalidInput` or `Unavailable`."""
    if not subject.strip() or len(subject) > 64 or not subject.isprintable():
        raise InvalidInput(
            "the subject must be 1 to 64 characters, none of them invisible: an employee number, a customer number,"
            " a gateway"
        )
    tokens = Tokens(settings)
    database = await Database.open(settings.database_url, settings, size=1)
    try:
        async with database.transaction() as tx:
            await apply_system(tx, "command")
            session = await open_session(tx, audience, subject, roles, _ANY_DEVICE, settings.token_seconds)
            what = Record(action="token.issue", noun="session", noun_id=str(session), reason=f"{audience}:{subject}")
            await emit(tx, TokenIssued(session_id=session), what)
    finally:
        await database.close()
    return tokens.issue(audience, subject, session)


def life(settings: Settings) -> str:
    """How long a token lives, in words: `10 minutes`, `90 seconds`."""
    seconds = settings.token_seconds
    number, unit = (seconds, "second") if seconds % 60 else (seconds // 60, "minute")
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
