"""Who counts to the same limit waits for whoever counts already; whoever counts to another one does not."""

import asyncio

from identity import turn
from kernel.store.database import Database


async def test_one_comes_after_the_other_and_others_pass_by(database: Database) -> None:
    order: list[str] = []
    counting, may_end = asyncio.Event(), asyncio.Event()

    async def count(name: str, keys: list[str]) -> None:
        async with database.transaction() as tx:
            await turn.wait(tx, keys)
            order.append(name)
            if name == "first":
                counting.set()
                await may_end.wait()

    first = asyncio.create_task(count("first", ["a", "b", "a"]))
    await counting.wait()
    second = asyncio.create_task(count("second", ["c", "b"]))
    await count("beside", ["d"])
    may_end.set()
    await asyncio.gather(first, second)
    assert order == ["first", "beside", "second"]
