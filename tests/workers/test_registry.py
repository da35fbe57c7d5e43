"""Handlers are found by the kind of their event and by their own name."""

import pytest
import uuid_utils.compat as uuid

from kernel.database import Tx
from kernel.settings import Settings
from mobile_contracts.event import Probed
from tests.workers.conftest import means
from workers import registry
from workers.code import send_code
from workers.registry import KINDS, Means, find, handlers_of, handles, sends


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


async def test_one_that_sends_has_the_means_of_its_worker(tx: Tx, settings: Settings) -> None:
    given, happened = means(settings), Probed(probe_id=uuid.uuid7())
    seen: list[object] = []

    async def sends_something(tx: Tx, event: Probed, with_means: Means) -> None:
        seen.extend((event, with_means))

    async def sends_nothing(tx: Tx, event: Probed) -> None:
        seen.append(event)

    try:
        sends(Probed)(sends_something)
        handles(Probed)(sends_nothing)
        for name in ("sends_something", "sends_nothing"):
            found = find(name)
            assert found is not None
            await found.run(tx, happened, given)
    finally:
        for name in ("sends_something", "sends_nothing"):
            registry._handlers.pop(name, None)
    assert seen == [happened, given, happened]
    with pytest.raises(ValueError, match="send_code"):
        sends(Probed)(send_code)


def test_two_handlers_cannot_have_one_name() -> None:
    async def count_probe(tx: Tx, event: Probed) -> None: ...

    with pytest.raises(ValueError, match="count_probe"):
        handles(Probed)(count_probe)
