"""Rows that refer to nobody stop the load: the references are proven over whole sets."""

from typing import Any

import pytest

from centers.product import product_load
from kernel.errors import BrokenReference
from kernel.security.scope import apply_system
from kernel.store.database import Tx

_STAGED = {
    "contract": "insert into staged_contract"
    " values (true, 4711, 'K1', 'P1', 'advisory', '2020-01-02', null, 'advisory', '')",
    "questionnaire": "insert into staged_assessment values (4711, now(), 50, 3, '2028-01-01', 'advisory', '')",
}


async def _merge_assessments(tx: Tx) -> None:
    row = await tx.fetchrow("select current_date as today")
    assert row
    await product_load.merge_assessments(tx, row["today"])


@pytest.mark.parametrize(
    ("what", "merge"), [("contract", product_load.merge_contracts), ("questionnaire", _merge_assessments)]
)
async def test_rows_that_refer_to_nobody_stop_the_load(tx: Tx, what: str, merge: Any) -> None:
    await apply_system(tx, "ingest", kind="company")
    await product_load.stage(tx)
    await tx.execute(_STAGED[what])
    with pytest.raises(BrokenReference, match=f"1 {what} rows refer to nobody"):
        await merge(tx)
