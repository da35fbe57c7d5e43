"""An event and its audit row are written with the change, or not at all, and say who, when and within which trace."""

import json
from uuid import uuid4

import msgspec
import pytest

from kernel.events.outbox import Record, emit, record
from kernel.security import scope
from kernel.store.database import Database, Tx
from mobile_contracts.event import AnyEvent, Probed


class State(msgspec.Struct):
    """How a thing was."""

    name: str


async def test_an_event_carries_its_kind_payload_and_request(tx: Tx) -> None:
    await scope.apply_system(tx, "test", request_id="r1")
    probe_id = uuid4()
    event_id = await emit(tx, Probed(probe_id=probe_id))
    row = await tx.fetchrow("select * from outbox where event_id = $1", event_id)
    assert row is not None
    assert (row["kind"], row["handler"], row["request_id"], row["trace"]) == ("Probed", None, "r1", None)
    assert event_id.version == 7
    assert msgspec.json.decode(row["payload"], type=AnyEvent) == Probed(probe_id=probe_id)


async def test_without_a_request_there_is_none(tx: Tx) -> None:
    event_id = await emit(tx, Probed(probe_id=uuid4()))
    assert await tx.fetchval("select request_id from outbox where event_id = $1", event_id) is None


async def test_the_audit_row_keeps_before_and_after(tx: Tx) -> None:
    await scope.apply_system(tx, "test")
    change = Record(
        action="change", noun="customer", noun_id="1", before=State("a"), after=State("张三"), reason="asked"
    )
    await emit(tx, Probed(probe_id=uuid4()), audit=change)
    await record(tx, Record(action="read", noun="customer", noun_id="1"))
    first, second = await tx.fetch("select * from audit order by id desc limit 2")
    assert (first["action"], first["before"], first["after"], first["reason"]) == ("read", None, None, None)
    assert (json.loads(second["before"]), json.loads(second["after"])) == ({"name": "a"}, {"name": "张三"})
    assert (second["principal"], second["reason"]) == ("system:test", "asked")
    assert (
        await tx.fetchval("select count(*) from audit_unsealed where audit_id = any ($1)", [first["id"], second["id"]])
        == 2
    )


async def test_a_change_that_fails_leaves_neither(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as tx:
            await emit(tx, Probed(probe_id=uuid4()), audit=Record(action="a", noun="b", noun_id="c"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with database.transaction() as tx:
        for table in ("outbox", "audit", "audit_unsealed"):
            assert await tx.fetchval(f"select count(*) from {table}") == 0
