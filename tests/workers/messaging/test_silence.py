"""The loop goes on at once while there is something overdue, and rests else."""

from uuid import UUID

import pytest

from kernel.process.apart import Apart
from kernel.settings import Settings
from kernel.store.database import Database, Tx
from notifications.broadcast import silence as settling
from tests.notifications.house import House
from workers.messaging.silence import Silence


async def test_what_is_overdue_is_settled_turn_by_turn(database: Database, own_settings: Settings) -> None:
    async with database.transaction() as tx:
        house = House(tx, own_settings)
        await house.open()
        await house.queued(customers=[await house.customer()])
        await tx.execute("update outgoing set state = 'sent'")
        await tx.execute("update broadcast set expires_at = now() - interval '90 days', finished_at = now()")
    silence = Silence(database, own_settings)
    assert [await silence.turn() for _ in range(2)] == [0.0, 60.0]
    async with database.transaction() as tx:
        await House(tx, own_settings).open()
        assert await tx.fetchval("select state from outgoing") == "unknown"


async def test_a_broadcast_that_fails_stands_before_no_other_and_is_named(
    database: Database, own_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with database.transaction() as tx:
        house = House(tx, own_settings)
        await house.open()
        wrong, sound = [await house.queued(customers=[await house.customer()]) for _ in range(2)]
        await tx.execute("update outgoing set state = 'sent'")
        await tx.execute("update broadcast set expires_at = now() - interval '90 days', finished_at = now()")
        await tx.execute("update broadcast set expires_at = expires_at - interval '1 day' where id = $1", wrong)
    settle = settling.settle

    async def picky(tx: Tx, broadcast_id: UUID) -> int:
        if broadcast_id == wrong:
            raise ValueError("not this one")
        return await settle(tx, broadcast_id)

    monkeypatch.setattr(settling, "settle", picky)
    failing = Apart("silence")
    silence = Silence(database, own_settings, failing)
    assert [await silence.turn() for _ in range(3)] == [0.0, 0.0, 60.0]
    assert failing.problem() == f"{wrong}: ValueError: not this one"
    async with database.transaction() as tx:
        await House(tx, own_settings).open()
        assert await tx.fetchval("select state from outgoing where broadcast_id = $1", sound) == "unknown"
