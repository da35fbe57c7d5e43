"""Keys twice and references to nothing, over all deliveries of a day."""

import pytest

from kernel.settings import Settings
from tests.workers.collection.maker import Maker, Row, a_day, counts, row, take


@pytest.mark.parametrize(
    ("feed", "second", "what"),
    [
        ("branch", row("branch"), "branch.csv row 2 column branch_code: the key (branch_code) is there more than once"),
        ("customer", row("customer", name="x"), "customer.csv row 2 column customer_no: the key (customer_no)"),
        ("relation", row("relation", share="0.5"), "the key (customer_no, employee_no, kind, valid_from)"),
        (
            "employee",
            row("employee", employee_no="E2", branch_code="B9"),
            "row 2 column branch_code: names no known branch",
        ),
        ("customer", row("customer", customer_no="C2", branch_code="B9"), "column branch_code: names no known branch"),
        ("account", row("account", account_no="A2", customer_no="C9"), "column customer_no: names no known customer"),
        (
            "relation",
            row("relation", employee_no="E9"),
            "relation.csv row 2 column employee_no: names no known employee",
        ),
        (
            "relation",
            row("relation", customer_no="C9"),
            "relation.csv row 2 column customer_no: names no known customer",
        ),
    ],
)
async def test_a_fault_among_rows_refuses_the_whole(
    own_settings: Settings, maker: Maker, feed: str, second: Row, what: str
) -> None:
    good, said = await take(own_settings, maker.deliver(a_day(**{feed: [row(feed), second]})))
    assert not good
    assert what in said
    assert set((await counts(own_settings)).values()) == {0}


async def test_a_key_belongs_to_one_source(own_settings: Settings, maker: Maker) -> None:
    assert (await take(own_settings, maker.deliver(a_day())))[0]
    good, said = await take(own_settings, maker.deliver({"customer": [row("customer")]}, source="margin"))
    assert not good
    assert "column customer_no: is delivered by another source too" in said


async def test_two_sources_with_one_key_in_one_day(own_settings: Settings, maker: Maker) -> None:
    maker.deliver(a_day())
    maker.deliver({"customer": [row("customer")]}, source="margin")
    good, said = await take(own_settings, maker.root)
    assert not good
    assert "2026-11-20 margin: refused, 1 fault," in said
    assert (await counts(own_settings))["customer"] == 1
