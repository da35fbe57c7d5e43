"""Handlers are found by the kind of their event and by their own name."""

import pytest
import uuid_utils.compat as uuid

from kernel.queues import SLOW, URGENT
from kernel.settings import Settings
from kernel.store import outside
from kernel.store.database import Database, Tx
from mobile_contracts.event import Probed
from tests.workers.conftest import means
from workers.messaging.one_time_code import send_code
from workers.runtime import registry
from workers.runtime.registry import KINDS, Means, find, handlers_of, handles, sends


def test_an_event_has_its_handlers() -> None:
    assert handlers_of("Probed") == ["count_probe"]
    assert handlers_of("HousekeepingDue") == ["keep_house"]
    assert handlers_of("TradingDayChanged") == []


def test_a_handler_is_found_by_its_name() -> None:
    found = find("count_probe")
    assert found is not None
    assert found.event is Probed
    assert find("nobody") is None


def test_every_event_of_the_contract_is_known() -> None:
    assert {"Probed", "HousekeepingDue", "JobTriedAgain"} <= KINDS.keys()


async def test_one_that_sends_has_no_transaction_but_the_means_of_its_worker(
    database: Database, settings: Settings
) -> None:
    given, happened = means(settings, database), Probed(probe_id=uuid.uuid7())
    seen: list[object] = []

    async def sends_something(event: Probed, with_means: Means) -> None:
        outside.call("somebody")
        async with with_means.transaction("sends_something") as tx:
            seen.extend((event, await tx.fetchval("select current_setting('hexad.principal')")))

    async def sends_nothing(tx: Tx, event: Probed) -> None:
        seen.append(event)

    try:
        sends(Probed, SLOW, name="sends_something")(sends_something)
        handles(Probed, name="sends_nothing")(sends_nothing)
        for name in ("sends_something", "sends_nothing"):
            found = find(name)
            assert found is not None
            assert found.sends == (name == "sends_something")
            await found.send(happened, given)
            async with database.transaction() as tx:
                await found.run(tx, happened)
    finally:
        for name in ("sends_something", "sends_nothing"):
            registry._handlers.pop(name, None)
    assert seen == [happened, "system:sends_something", happened]
    with pytest.raises(ValueError, match="send_code"):
        sends(Probed, URGENT, name="send_code")(send_code)


def test_what_somebody_waits_for_has_a_queue_of_its_own() -> None:
    code, advisory = find("send_code"), find("tell_platform")
    assert code is not None
    assert advisory is not None
    assert (code.queue, advisory.queue) == (URGENT, SLOW)
    assert registry.awaited() == ["send_code"]
    assert {one.name for one in registry.every() if one.queue == URGENT} == {"send_code"}


def test_two_handlers_cannot_have_one_name() -> None:
    async def count_probe(tx: Tx, event: Probed) -> None: ...

    with pytest.raises(ValueError, match="count_probe"):
        handles(Probed, name="count_probe")(count_probe)
