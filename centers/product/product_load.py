"""Merges the feeds `product`, `contract` and `questionnaire`, set by set, in the load's own transaction."""

import datetime
from pathlib import Path

from kernel.errors import BrokenReference
from kernel.store.database import Tx
from kernel.store.sql import load

_sql = load(Path(__file__).with_name("product_load.sql"))

KNOWN: dict[str, str] = {"known_product": _sql.known_products.sql, "known_contract": _sql.known_contracts.sql}
KNOWN_OF_DAY: dict[str, str] = {"known_questionnaire": _sql.known_questionnaires.sql}
"""What the loader compares with, each a query for COPY; those of a daily feed take the day."""


async def stage(tx: Tx) -> None:
    """Makes the empty tables that the feeds are copied into; gone with the transaction."""
    for make in (
        _sql.stage_product,
        _sql.stage_gone_product,
        _sql.stage_contract,
        _sql.stage_gone_contract,
        _sql.stage_assessment,
        _sql.stage_gone_assessment,
    ):
        await make(tx)


async def merge_products(tx: Tx) -> None:
    """Writes the staged products; one that is gone is withdrawn."""
    await _sql.change_products(tx)
    await _sql.add_products(tx)
    await _sql.withdraw_products(tx)


async def end_contracts(tx: Tx, day: datetime.date) -> None:
    """Ends on that day the contracts that are gone."""
    await _sql.end_contracts(tx, day=day)


async def merge_contracts(tx: Tx) -> None:
    """Writes the staged contracts; raises `BrokenReference` when one names nobody, or no product."""
    _proven("contract", await _sql.prove_contracts(tx))
    await _sql.change_contracts(tx)
    await _sql.add_contracts(tx)
    await _sql.empty_contracts(tx)


async def forget_assessments(tx: Tx) -> None:
    """Deletes what a corrected day no longer has."""
    await _sql.forget_assessments(tx)


async def merge_assessments(tx: Tx, day: datetime.date) -> None:
    """Writes the staged answers of a day; raises `BrokenReference` when one names nobody."""
    _proven("questionnaire", await _sql.prove_assessments(tx))
    await _sql.put_assessments(tx, day=day)
    await _sql.empty_assessments(tx)


count_contracts, count_assessments = _sql.analyze_contract, _sql.analyze_assessment
"""Have PostgreSQL count anew what it plans with."""


def _proven(what: str, broken: int) -> None:
    if broken:
        raise BrokenReference(f"{broken} {what} rows refer to nobody")
