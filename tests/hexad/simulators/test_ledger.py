"""The simulated platform takes a subscription once, however often it comes, and forgets nothing."""

import datetime
from decimal import Decimal
from pathlib import Path

import uuid_utils.compat as uuid

from hexad.simulators.ledger import Ledger
from mobile_contracts.product.advisory import Order


def order() -> Order:
    """A subscription."""
    return Order(uuid.uuid7(), "C1", "P1", Decimal(1), 1, datetime.datetime.now(datetime.UTC))


def test_a_repeated_order_is_one_contract_that_outlives_a_restart(tmp_path: Path) -> None:
    wanted = order()
    first, again = Ledger(tmp_path), Ledger(tmp_path)
    assert first.take(wanted) == first.take(wanted, refuse=True)
    assert Ledger(tmp_path).take(wanted) == first.take(wanted)
    assert again.read(0, 10).items == []
    assert [one.subscription_id for one in Ledger(tmp_path).read(0, 10).items] == [wanted.subscription_id]


def test_contracts_are_read_in_the_order_in_which_they_changed(tmp_path: Path) -> None:
    ledger, orders = Ledger(tmp_path), [order() for _ in range(3)]
    for one in orders:
        ledger.take(one)
    ledger.cancel(orders[0].subscription_id)
    first = ledger.read(0, 2)
    rest = ledger.read(first.items[-1].position, 2)
    assert [one.subscription_id for one in first.items + rest.items] == [
        orders[1].subscription_id, orders[2].subscription_id, orders[0].subscription_id,
    ]  # fmt: skip
    assert (first.more, rest.more) == (True, False)
    assert rest.items[-1].contract.ended_on == rest.items[-1].contract.signed_on


def test_what_is_cancelled_before_it_comes_is_not_taken(tmp_path: Path) -> None:
    ledger, wanted = Ledger(tmp_path), order()
    assert ledger.cancel(wanted.subscription_id).status == "cancelled"
    assert ledger.take(wanted).status == "cancelled"
    assert ledger.read(0, 10).items == []


def test_what_is_decided_later_is_told_once_its_contract_was_read(tmp_path: Path) -> None:
    ledger, wanted = Ledger(tmp_path), order()
    assert ledger.take(wanted, later=True).status == "pending"
    assert len(ledger.read(0, 10).items) == 1
    assert ledger.take(wanted).status == "accepted"
