"""A migration that touches rows of a table under forced row-level security says first as whom: else it sees none.

The owner of a table is held by its policies too where they are forced, so a backfill without a scope changes nothing
and fails nowhere.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from kernel.schema import migrate as module
from tests.kernel.schema.test_migrate import empty, owner

__all__ = ["empty", "owner"]

MENDED = {
    "0015_who_has_a_conversation": "0023_what_conversations_stand_on",
    "0022_messages_are_counted": "0033_months",
}
"""Migrations whose rows were not seen, and those that did it again."""

_FOLDER = Path(module.__file__).parent / "migrations"
_FREED = re.compile(r"alter table (\w+) no force row level security")
_BODY = re.compile(r"\$(\w*)\$.*?\$\1\$", re.DOTALL)
_LINE = re.compile(r"--.*")
_FORCED = re.compile(r"alter table (\w+) force row level security")
_WORDS = re.compile(r"'[^']*'")
_CHANGES = re.compile(r"(?:with|update|insert|delete|merge|do)\b", re.ASCII)
_SCOPE = "set_config('hexad.scope'"


def statements(text: str) -> list[str]:
    """What is executed by the migration itself, and not by a function that it makes."""
    return [one.strip() for one in _LINE.sub("", _BODY.sub("''", text)).split(";") if one.strip()]


def unseen(text: str, forced: set[str]) -> Iterator[str]:
    """Changes that touch rows of a table whose policies are forced, before anything says as whom.

    `forced` are those tables before it, and after it.
    """
    scoped = False
    for one in statements(text):
        forced.difference_update(_FREED.findall(one))
        forced.update(_FORCED.findall(one))
        scoped |= _SCOPE in one
        words = set(re.findall(r"\w+", _WORDS.sub("''", one)))
        if not scoped and _CHANGES.match(one.lower()) and forced & words:
            yield one


def migrations() -> dict[str, str]:
    return {path.stem: path.read_text() for path in sorted(_FOLDER.glob("*.sql"))}


def test_a_backfill_says_as_whom_it_sees_rows() -> None:
    texts = migrations()
    forced = set[str]()
    found = [name for name, text in texts.items() if list(unseen(text, forced))]
    assert {"customer", "outgoing", "message"} <= forced
    assert sorted(found) == sorted(MENDED)
    for name, again in MENDED.items():
        assert name < again
        assert _SCOPE in texts[again] or _FREED.search(texts[again])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("update person set a = 1;", True), ("insert into other select * from person;", True),
        ("update other set a = 1;", False), ("with some as (select from person) delete from other;", True),
        ("select set_config('hexad.scope', 'company', true);\nupdate person set a = 1;", False),
        ("update person set a = 1;\nselect set_config('hexad.scope', 'company', true);", True),
        ("create function f() returns void language sql as $$ update person set a = 1; $$;", False),
        ("-- update person set a = 1;\nalter table person add column b int;", False),
        ("alter table other force row level security;\ndelete from other;", True),
        ("alter table person no force row level security;\ndelete from person;", False),
    ],
)  # fmt: skip
def test_one_that_sees_nothing_is_found(text: str, found: bool) -> None:
    assert bool(list(unseen(text, {"person"}))) is found


ROWS = """
select set_config('hexad.scope', 'company', true), set_config('hexad.principal', 'system:test', true);
insert into broadcast (id, kind, template, template_version, purpose, channels, customers, total, expanded, started_by,
                       expires_at)
select '00000000-0000-7000-8000-000000000001', 'care', code, number, 'marketing', '{sms}', '{}', 6, 6, 's', now()
  from template_version limit 1;
insert into outgoing (id, broadcast_id, customer_id, channel, state, reason)
select uuidv7(), '00000000-0000-7000-8000-000000000001', number, 'sms',
       case when number < 4 then 'queued' else 'skipped' end, case when number > 4 then 'no_consent' end
  from generate_series(1, 6) as number;
"""


async def test_messages_from_before_they_were_counted_are_counted_in_the_end(owner: asyncpg.Connection) -> None:
    """Before the last of these migrations the counts lacked them, and became negative as they left."""
    texts = list(migrations().items())

    async def go_on(until: str) -> None:
        while texts and texts[0][0] < until:
            async with owner.transaction():
                await owner.execute(texts.pop(0)[1])

    async def counts() -> dict[tuple[str, str], int]:
        query = "select state, reason, sum(messages) from broadcast_count group by 1, 2 having sum(messages) <> 0"
        return {(row[0], row[1]): int(row[2]) for row in await owner.fetch(query)}

    await go_on("0022")
    async with owner.transaction():
        await owner.execute(ROWS)
    await go_on(MENDED["0022_messages_are_counted"])
    async with owner.transaction():
        await owner.execute(f"{ROWS.splitlines()[1]} update outgoing set state = 'sent' where customer_id = 1")
    assert await counts() == {("queued", ""): -1, ("sent", ""): 1}
    await go_on("9999")
    assert await counts() == {("queued", ""): 2, ("sent", ""): 1, ("skipped", ""): 1, ("skipped", "no_consent"): 2}
