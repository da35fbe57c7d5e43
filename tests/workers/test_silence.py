"""The loop goes on at once while there is something overdue, and rests else."""

from kernel.database import Database
from kernel.settings import Settings
from tests.notifications.house import House
from workers.silence import Silence


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
