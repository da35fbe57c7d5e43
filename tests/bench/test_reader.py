"""A reader is served all the while, and one who is kept waiting says so."""

import asyncio
import time

import asyncpg

from bench.reader import Reader
from kernel.settings import Settings


def seen(reader: Reader) -> None:
    """Waits until it has read once."""
    while not reader._times:
        time.sleep(0.01)


def test_it_reads_until_it_is_stopped(settings: Settings) -> None:
    reader = Reader(settings.database_url, "88000001")
    reader.start()
    seen(reader)
    reads = reader.stop()
    assert reads.count >= 1
    assert reads.failures == 0 < reads.longest_ms


async def test_one_who_is_kept_waiting_says_so(own_settings: Settings) -> None:
    owner = await asyncpg.connect(own_settings.owner_url)
    reader = Reader(own_settings.database_url, "88000001")
    async with owner.transaction():
        await owner.execute("lock table customer")
        reader.start()
        await asyncio.sleep(0.5)
    seen(reader)
    await owner.close()
    assert reader.stop().longest_ms > 200
