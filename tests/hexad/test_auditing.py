"""`hexad audit verify` opens the right log and the right anchor."""

import asyncio

import asyncpg

from hexad import auditing, signin
from kernel.audit.anchor import anchor
from kernel.audit.seal import Sealer
from kernel.settings import Settings


async def seal(settings: Settings) -> None:
    """Seals what there is."""
    connection = await asyncpg.connect(settings.database_url)
    await Sealer(anchor(settings)).seal_once(connection)
    await connection.close()


def test_a_sound_log_is_counted(own_settings: Settings) -> None:
    asyncio.run(signin.issue(own_settings, "staff", "1", []))
    asyncio.run(seal(own_settings))
    told: list[tuple[int, int]] = []
    report = asyncio.run(auditing.verify(own_settings, lambda done, total: told.append((done, total))))
    assert report.sound
    assert (report.sealed, report.anchored) == (1, 1)
    assert set(told) == {(1, 1)}
