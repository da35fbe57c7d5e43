"""A token made by command opens what its role opens, and leaves its trace."""

import asyncio

import pytest

from hexad import signin
from identity.principal import Identities, Tokens
from kernel.errors import InvalidInput, Unavailable
from kernel.settings import Settings
from kernel.store.database import Database
from realtime.sign_in import SignIn


async def test_the_token_is_its_subjects_with_the_roles_permissions(own_settings: Settings, database: Database) -> None:
    token = await signin.issue(own_settings, "staff", "10086", ["administrator"])
    principal, _ = await Identities(Tokens(own_settings), database).of(token, "staff")
    assert principal.name == "staff:10086"
    assert "job.retry" in principal.permissions


async def test_it_is_audited_and_announced(own_settings: Settings, database: Database) -> None:
    await signin.issue(own_settings, "investor", "880001", ["investor"])
    async with database.transaction() as tx:
        audit = await tx.fetchrow("select principal, action, reason from audit")
        event = await tx.fetchval("select kind from outbox")
    assert audit is not None
    assert tuple(audit) == ("system:command", "token.issue", "investor:880001")
    assert event == "TokenIssued"


@pytest.mark.parametrize(
    ("subject", "role", "why"),
    [
        ("", "broker", "subject"),
        ("1\n2", "broker", "invisible"),
        ("1\x1b[2J", "broker", "invisible"),
        ("1", "emperor", "emperor"),
    ],
)
async def test_what_is_wrong_is_refused(own_settings: Settings, subject: str, role: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        await signin.issue(own_settings, "staff", subject, [role])


async def test_the_token_signs_in_to_the_websocket_from_any_device(own_settings: Settings, database: Database) -> None:
    token = await signin.issue(own_settings, "staff", "10086", ["administrator"])
    principal, _ = await SignIn(Tokens(own_settings), database, own_settings).of(token, "any-device")
    assert principal.name == "staff:10086"


@pytest.mark.parametrize(
    ("seconds", "said"), [(30, "30 seconds"), (60, "1 minute"), (90, "90 seconds"), (600, "10 minutes")]
)
def test_its_life_is_told_in_words(seconds: int, said: str) -> None:
    assert signin.life(Settings(token_seconds=seconds)) == said


def test_without_a_database_it_says_so(own_settings: Settings) -> None:
    import msgspec

    away = msgspec.structs.replace(own_settings, database_url="postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(Unavailable, match="PostgreSQL does not answer"):
        asyncio.run(signin.issue(away, "staff", "1", []))
