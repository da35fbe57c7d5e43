"""Suitability (适当性匹配): whether a product suits a customer, decided by the rules and kept with its reason.

Whoever decides for many joins `standing` in SQL: it suits where `standing.risk_level >= product.risk_level` and
`standing.expires_on > current_date`, the product being `on`.
"""

from pathlib import Path
from typing import Literal

import uuid_utils.compat as uuid

from centers.product import suitability_rules
from centers.product.suitability_rules import Standing
from kernel.calendar import days
from kernel.errors import NotFound
from kernel.events.outbox import Record, emit
from kernel.security.scope import Scope
from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.event import SuitabilityDecided
from mobile_contracts.product.product import Product, Suitability

_sql = load(Path(__file__).with_name("suitability.sql"), Standing, Suitability)


async def standing(tx: Tx, scope: Scope) -> Standing:
    """What the investor can bear; raises `NotFound` for somebody who is no customer."""
    found: Standing | None = await _sql.standing(tx, customer=scope.reach.customer)
    if found is None:
        raise NotFound
    return found


async def do_decide(tx: Tx, scope: Scope, product: Product, purpose: Literal["check", "subscribe"]) -> Suitability:
    """Decides for the investor and keeps the decision, whichever it is."""
    bears = await standing(tx, scope)
    reason = suitability_rules.judged(bears, product.risk_level, on=product.status == "on", today=days.today())
    decided: Suitability = await _sql.add(
        tx, id=uuid.uuid7(), customer_id=bears.customer_id, product_code=product.product_code, purpose=purpose,
        allowed=reason == "suitable", reason=reason, product_level=product.risk_level, level=bears.level,
        assessed_at=bears.assessed_at, expires_on=bears.expires_on,
    )  # fmt: skip
    record = Record(action="suitability.decide", noun="suitability", noun_id=str(decided.id), after=decided)
    await emit(tx, SuitabilityDecided(suitability_id=decided.id), record)
    return decided
