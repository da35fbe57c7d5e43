"""A probe leaves exactly one trace of its way, and a repeated effect would show."""

from kernel.store.database import Tx
from mobile_contracts.event import Probed
from workers.runtime import probe


async def test_a_probe_is_a_row_and_an_event(tx: Tx) -> None:
    probe_id = await probe.start(tx)
    assert await tx.fetchval("select handled from probe where id = $1", probe_id) == 0
    assert await tx.fetchval("select payload->>'probe_id' from outbox where kind = 'Probed'") == str(probe_id)


async def test_handling_it_counts(tx: Tx) -> None:
    probe_id = await probe.start(tx)
    await probe.count_probe(tx, Probed(probe_id=probe_id))
    await probe.count_probe(tx, Probed(probe_id=probe_id))
    row = await tx.fetchrow("select handled, handled_at is not null from probe where id = $1", probe_id)
    assert row is not None
    assert tuple(row) == (2, True)
