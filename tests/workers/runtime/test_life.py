"""Whoever does jobs is seen to live, with the queues that they take from."""

import asyncio

import msgspec
import pytest
from structlog.testing import capture_logs

from kernel.queues import SLOW, URGENT
from kernel.settings import Settings
from kernel.store.database import Database
from workers.runtime.life import Life


async def living(database: Database) -> list[tuple[object, ...]]:
    async with database.transaction() as tx:
        return [tuple(row) for row in await tx.fetch("select id, queues from worker")]


async def test_it_is_there_while_it_lives_and_gone_when_it_leaves(database: Database, own_settings: Settings) -> None:
    life = Life(database, own_settings, URGENT, SLOW)
    telling = asyncio.create_task(life.live())
    while not await living(database):
        await asyncio.sleep(0.01)
    assert await living(database) == [(life.id, ["work.urgent", "work.slow"])]
    telling.cancel()
    await asyncio.wait([telling])
    await life.leave()
    assert await living(database) == []


async def test_a_sign_that_cannot_be_given_is_said_once_and_given_again(
    database: Database, own_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = Life(database, msgspec.structs.replace(own_settings, worker_silence=0.01), URGENT)
    tries, sign = asyncio.Queue[int](), life.sign

    async def broken() -> None:
        tries.put_nowait(1)
        raise ValueError("no sign")

    monkeypatch.setattr(life, "sign", broken)
    with capture_logs() as lines:
        telling = asyncio.create_task(life.live())
        async with asyncio.timeout(60):
            while tries.qsize() < 3:
                await asyncio.sleep(0.01)
        assert life.failing.problem() == "every one: ValueError: no sign"
        monkeypatch.setattr(life, "sign", sign)
        async with asyncio.timeout(60):
            while not await living(database):
                await asyncio.sleep(0.01)
            while life.failing.problem():
                await asyncio.sleep(0.01)
    assert [line["problem"] for line in lines] == ["ValueError: no sign"]
    telling.cancel()


async def test_each_sign_is_later_than_the_one_before(database: Database, own_settings: Settings) -> None:
    life = Life(database, own_settings, URGENT)
    await life.sign()
    async with database.transaction() as tx:
        await tx.execute("update worker set seen_at = now() - interval '1 hour'")
    await life.sign()
    async with database.transaction() as tx:
        assert await tx.fetchval("select count(*) from worker where seen_at > now() - interval '1 minute'") == 1
