"""Who sees which conversation: by the queries and, apart from them, by the tables' policies."""

from uuid import UUID

import asyncpg
import pytest
from msgspec import structs

from centers.service import conversation_list
from centers.service.conversation_rules import Wanted
from centers.service.message import store
from kernel.errors import NotFound
from kernel.security.scope import NOTHING, apply_system
from kernel.store.database import Tx
from tests.centers.service.conftest import Service


async def test_conversations_are_seen_by_their_two_sides_alone(service: Service, work: Tx) -> None:
    line = await service.opened(work, "88000001")
    for name, sees in (
        ("investor:88000001", True), ("staff:1001", True), ("investor:88000002", False), ("staff:1002", False),
        ("staff:1004", False), ("staff:1005", False), ("staff:1008", False), ("staff:1010", False),
    ):  # fmt: skip
        assert (await service.sees(work, name) == {line.id}) is sees, name
        scope, reader = await service.person(work, name)
        assert ([one.id for one in await conversation_list.list_lines(work, scope, reader)] == [line.id]) is sees, name
        if not sees:
            with pytest.raises(NotFound):
                await conversation_list.find(work, scope, reader, line.id)


async def test_a_closed_conversation_is_listed_when_it_is_named(service: Service, work: Tx) -> None:
    line = await service.opened(work, "88000001")
    await apply_system(work, "test", kind="company")
    await work.execute("update conversation set state = 'closed', closed_at = now() where id = $1", line.id)
    scope, reader = await service.person(work, "investor:88000001")
    assert await conversation_list.list_lines(work, scope, reader) == []
    assert [one.id for one in await conversation_list.list_lines(work, scope, reader, [line.id])] == [line.id]


async def test_messages_and_participants_follow_the_conversation_and_partitions_show_nothing(
    service: Service, work: Tx
) -> None:
    line = await service.opened(work, "88000001")
    _, reader = await service.person(work, "investor:88000001")
    await apply_system(work, "chat", kind="company")
    await store(work, [Wanted(line.id, reader.person, UUID(int=1), UUID(int=2), "text", "您好")])
    for name, sees in (("staff:1001", 1), ("staff:1002", 0), ("investor:88000002", 0)):
        await service.person(work, name)
        assert await work.fetchval("select count(*) from message") == sees
        assert await work.fetchval("select count(*) from participant") == 2 * sees
    await apply_system(work, "chat", kind="company")
    counts = [await work.fetchval(f"select count(*) from message_{part}") for part in range(8)]
    assert counts == [0] * 8


async def test_what_was_said_stays(service: Service, work: Tx) -> None:
    await apply_system(work, "chat", kind="company")
    for statement in ("update message set body = 'x'", "delete from message", "delete from conversation"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with work.transaction():
                await work.execute(statement)


async def test_the_place_in_the_queue(service: Service, work: Tx) -> None:
    first = await service.opened(work, "88000005")
    await apply_system(work, "test", kind="company")
    await work.execute("update relation set valid_to = current_date")
    await work.execute("update conversation set opened_at = opened_at - interval '1 minute'")
    second = await service.opened(work, "88000001")
    await apply_system(work, "test", kind="company")
    assert [await conversation_list.position(work, one.id) for one in (first, second)] == [1, 2]


async def test_a_queue_is_for_whoever_may_take_from_it(service: Service, work: Tx) -> None:
    line = await service.opened(work, "88000005")
    scope, reader = await service.person(work, "staff:1002")
    assert [one.id for one in await conversation_list.list_lines(work, scope, reader)] == [line.id]
    for permissions in ({"chat.read": scope.reach}, {**scope.principal.permissions, "chat.take": NOTHING}):
        who = structs.replace(scope.principal, permissions=permissions)
        reads = await conversation_list.reader_of(work, who)
        assert reads is not None
        assert await conversation_list.list_lines(work, scope, reads) == []
        with pytest.raises(NotFound):
            await conversation_list.find(work, scope, reads, line.id)
    assert await conversation_list.reader_of(work, structs.replace(scope.principal, permissions={})) is None


async def test_somebody_who_is_nobody_here(service: Service, work: Tx) -> None:
    scope, _ = await service.person(work, "staff:1001")
    assert await conversation_list.reader_of(work, structs.replace(scope.principal, subject="9999")) is None
