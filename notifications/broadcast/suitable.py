"""Whether a product suits whom a message about it is for, decided at the moment of sending and kept.

The rule is the product centre's (`centers/product/suitability_rules.py`), here over a whole batch; a test holds the two
equal.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from uuid import UUID

from kernel.store.database import Tx
from kernel.store.sql import load

_sql = load(Path(__file__).with_name("suitable.sql"))


async def refused(tx: Tx, product_code: str, messages: Mapping[UUID, int]) -> dict[UUID, str]:
    """Of these messages, by the customers they are for, those whom the product does not suit, and why.

    An unknown product suits nobody.
    """
    reasons = await _decided(tx, product_code, messages.keys())
    verdicts = {id_: reasons.get(customer, "product_withdrawn") for id_, customer in messages.items()}
    return {id_: reason for id_, reason in verdicts.items() if reason != "suitable"}


async def _decided(tx: Tx, product_code: str, ids: Collection[UUID]) -> dict[int, str]:
    rows = await _sql.decide(tx, product_code=product_code, ids=list(ids))
    return {row["customer_id"]: row["reason"] for row in rows}
