"""Handlers are found by the kind of their event and by their own name."""

import pytest

from kernel.database import Tx
from mobile_contracts.event import Probed
from workers.registry import KINDS, find, handlers_of, handles


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


def test_two_handlers_cannot_have_one_name() -> None:
    async def count_probe(tx: Tx, event: Probed) -> None: ...

    with pytest.raises(ValueError, match="count_probe"):
        handles(Probed)(count_probe)
