"""What the advisory platform says must make sense before anybody writes it."""

import json

import msgspec
import pytest

from mobile_contracts.product.advisory import PlatformContract

GOOD = {"contract_no": "K1", "customer_no": "C1", "product_code": "P1", "kind": "service", "signed_on": "2026-01-02"}


@pytest.mark.parametrize(
    "changes",
    [{"ended_on": "2026-01-01"}, {"kind": "gift"}, {"contract_no": "a b"}, {"customer_no": ""}, {"signed_on": "soon"}],
)
def test_a_contract_that_makes_no_sense_is_none(changes: dict[str, str]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(json.dumps({**GOOD, **changes}), type=PlatformContract)


def test_a_contract_may_end_on_the_day_on_which_it_was_signed() -> None:
    told = json.dumps({**GOOD, "ended_on": "2026-01-02"})
    assert msgspec.json.decode(told, type=PlatformContract).ended_on is not None
