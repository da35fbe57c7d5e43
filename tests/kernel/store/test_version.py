"""A change made from an old version is refused, and told which of its fields others changed."""

import pytest
from msgspec import Struct

from kernel.errors import VersionConflict
from kernel.events.outbox import Record, record
from kernel.store.database import Tx
from kernel.store.version import check_version

THING = ("note", "n-1")


class State(Struct):
    """A thing with two fields."""

    title: str
    body: str
    version: int


class Change(Struct):
    """A change of one of them."""

    body: str


async def history(tx: Tx, *states: State) -> None:
    """Records that the thing went through these states."""
    for before, after in zip((None, *states), states, strict=False):
        await record(tx, Record(action="change", noun=THING[0], noun_id=THING[1], before=before, after=after))


async def test_the_version_of_now_is_good(tx: Tx) -> None:
    await check_version(tx, THING, now=3, named=3)
    await check_version(tx, THING, now=3, named=None)


async def test_an_old_version_is_told_what_changed_since(tx: Tx) -> None:
    await history(tx, State("a", "b", 1), State("A", "b", 2), State("A", "B", 3))
    with pytest.raises(VersionConflict) as since_two:
        await check_version(tx, THING, now=3, named=2)
    with pytest.raises(VersionConflict) as since_one:
        await check_version(tx, THING, now=3, named=1)
    with pytest.raises(VersionConflict) as of_mine:
        await check_version(tx, THING, now=3, named=1, change=Change("x"))
    assert [field.field for field in since_two.value.errors] == ["body"]
    assert [field.field for field in since_one.value.errors] == ["body", "title"]
    assert [field.field for field in of_mine.value.errors] == ["body"]


async def test_any_version_is_not_none(tx: Tx) -> None:
    with pytest.raises(VersionConflict):
        await check_version(tx, THING, now=0, named=None)
