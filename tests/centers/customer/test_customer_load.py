"""What the load writes about a customer is complete, and sealed for its place."""

from typing import Any

import pytest

from centers.customer import customer_load
from kernel.errors import BrokenReference
from kernel.security.crypto import Fields, Place
from kernel.security.scope import apply_system
from kernel.settings import Settings
from kernel.store.database import Tx
from tests.workers.collection.maker import ID_NO, Maker, a_day, row, rows, take


async def test_every_column_arrives(own_settings: Settings, maker: Maker) -> None:
    await take(own_settings, maker.deliver(a_day()))
    ((sealed, mobile, *found),) = await rows(
        own_settings,
        "select id_no, mobile, name, kind, id_kind, id_no_mask, mobile_mask, email, gender, birthday::text,"
        " opened_on::text, closed_on, status, risk_level, risk_assessed_on::text, investor_kind, assets from customer",
    )
    assert found == [
        "李娜", "individual", "identity_card", "1****************1", "139****9000", "c1@example.com", "female",
        "1990-03-07", "2020-01-02", None, "normal", 3, "2025-05-05", "ordinary", 0,
    ]  # fmt: skip
    assert Fields(own_settings).open(sealed, Place("customer", "id_no", "C1")) == ID_NO
    assert Fields(own_settings).open(mobile, Place("customer", "mobile", "C1")) == "+8613900139000"


async def test_an_account_may_change_hands(own_settings: Settings, maker: Maker) -> None:
    two = [row("customer"), row("customer", customer_no="C2")]
    await take(own_settings, maker.deliver(a_day(customer=two), "2026-11-18"))
    accounts = [row("account", customer_no="C2", status="frozen")]
    await take(own_settings, maker.deliver(a_day(customer=two, account=accounts), "2026-11-19"))
    query = "select c.customer_no, a.status from account a join customer c on c.id = a.customer_id"
    assert await rows(own_settings, query) == [("C2", "frozen")]


async def test_ids_are_drawn_in_a_row(own_settings: Settings, maker: Maker) -> None:
    await take(own_settings, maker.deliver(a_day(customer=[row("customer")]), "2026-11-18"))
    more = [row("customer", customer_no=f"C{number}") for number in range(1, 40)]
    await take(own_settings, maker.deliver(a_day(customer=more), "2026-11-19"))
    assert await rows(own_settings, "select count(*), max(id) - min(id) from customer") == [(39, 38)]


_STAGED = {
    "customer": "insert into staged_customer (id, fresh, customer_no, name, kind, id_kind, id_no, id_no_mask,"
    " id_no_index, branch_id, opened_on, status, investor_kind, assets, source, digest)"
    " values (4711, true, 'C1', 'N', 'individual', 'passport', '', '*', '',"
    " 4713, '2020-01-02', 'normal', 'ordinary', 0, 's', '')",
    "account": "insert into staged_account"
    " values (true, 'A1', 4711, 'cash', null, '2020-01-02', null, 'open', 's', '')",
    "relation": "insert into staged_relation"
    " values (true, 4711, 4712, 'service', 1, '2020-01-02', null, 1, 0, 's', '')",
}


@pytest.mark.parametrize(
    ("what", "merge", "prove"),
    [
        ("customer", customer_load.merge_customers, customer_load.prove_customers),
        ("account", customer_load.merge_accounts, customer_load.prove_accounts),
        ("relation", customer_load.merge_relations, customer_load.prove_relations),
    ],
)
async def test_rows_that_refer_to_nobody_stop_the_load(tx: Tx, what: str, merge: Any, prove: Any) -> None:
    await apply_system(tx, "ingest", kind="company")
    await customer_load.stage(tx)
    await prove(tx)
    await tx.execute(_STAGED[what])
    await merge(tx)
    with pytest.raises(BrokenReference, match=f"1 {what} rows refer to nobody"):
        await prove(tx)
