"""Named queries: lists are whole, Structs are built by position, counts are counts, one value is one value."""

from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from kernel.errors import Misconfigured
from kernel.store import sql
from kernel.store.database import Tx


class Pair(Struct, frozen=True):
    """Its fields follow the columns; their names do not matter."""

    number: int
    word: str


QUERIES = """
-- name: rows(most)
select n, 'w' || n from generate_series(1, :most) n order by n;
-- name: pairs(most)
-- record_class: Pair
select n, 'w' || n from generate_series(1, :most) n order by n;
-- name: pair(number, word)^
-- record_class: Pair
select :number::int, :word::text where :number > 0;
-- name: value(number)$
select :number::int + 1 where :number > 0;
-- name: add(id, times)!
insert into probe (id, handled) select :id::uuid, :times::int;
-- name: touch(times)!
update probe set handled = :times where id::text like '0000%';
-- name: add_many(id, handled)*!
insert into probe (id, handled) values (:id, :handled);
-- name: give()<!
insert into probe (id) values (gen_random_uuid()) returning handled, handled + 1;
-- name: lost()#
create temporary table lost (id int);
"""


@pytest.fixture
def queries(tmp_path: Path) -> Any:
    """The queries above."""
    (tmp_path / "queries.sql").write_text(QUERIES)
    return sql.load(tmp_path / "queries.sql", Pair)


async def test_lists_are_fetched_whole(tx: Tx, queries: Any) -> None:
    assert [tuple(row) for row in await queries.rows(tx, most=3)] == [(1, "w1"), (2, "w2"), (3, "w3")]
    assert await queries.rows(tx, most=0) == []


async def test_structs_are_built_by_position(tx: Tx, queries: Any) -> None:
    assert await queries.pairs(tx, most=2) == [Pair(1, "w1"), Pair(2, "w2")]
    assert await queries.pair(tx, number=7, word="x") == Pair(7, "x")
    assert await queries.pair(tx, number=0, word="x") is None


async def test_a_value_is_itself_or_nothing(tx: Tx, queries: Any) -> None:
    assert await queries.value(tx, number=1) == 2
    assert await queries.value(tx, number=0) is None


async def test_writes_say_how_many_rows(tx: Tx, queries: Any) -> None:
    for number in range(3):
        assert await queries.add(tx, id=f"00000000-0000-0000-0000-00000000000{number}", times=0) == 1
    assert await queries.touch(tx, times=1) == 3
    assert await queries.touch(tx, times=2) == 3


async def test_many_are_written_in_one_go(tx: Tx, queries: Any) -> None:
    ids = [f"00000000-0000-0000-0000-00000000000{number}" for number in range(4)]
    await queries.add_many(tx, [{"handled": number, "id": one} for number, one in enumerate(ids)])
    assert await tx.fetchval("select sum(handled) from probe where id::text like '0000%'") == 6


async def test_a_parameter_is_data_and_never_sql(tx: Tx, queries: Any) -> None:
    word = "'; drop table probe; --"
    assert (await queries.pair(tx, number=1, word=word)).word == word


async def test_a_forgotten_parameter_is_an_error(tx: Tx, queries: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        await queries.pair(tx, number=1)


@pytest.mark.parametrize(
    "text",
    [
        "-- name: one()\n-- record_class: Missing\nselect 1;",
        "-- name: one()\n-- scope: none, so that it is one line too low\n-- record_class: Pair\nselect 1;",
    ],
)
def test_a_record_class_that_would_be_passed_over_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "q.sql").write_text(text)
    with pytest.raises(Misconfigured, match="record_class"):
        sql.load(tmp_path / "q.sql", Pair)
