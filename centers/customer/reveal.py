"""Revealing a masked field: for a reason, within a quota a day, and never without a row in the audit log."""

from pathlib import Path

import uuid_utils.compat as uuid

from centers.customer import queries
from kernel.crypto import Fields, Place
from kernel.database import Tx
from kernel.errors import QuotaUsedUp
from kernel.outbox import Record, emit
from kernel.scope import Scope
from kernel.sql import load
from mobile_contracts.customer import Revealed, RevealWanted
from mobile_contracts.event import FieldRevealed

_sql = load(Path(__file__).with_name("reveal.sql"))


async def reveal(tx: Tx, scope: Scope, customer_no: str, wanted: RevealWanted, fields: Fields, quota: int) -> Revealed:
    """The field in full; raises `NotFound`, `QuotaUsedUp`, or `FieldSealed` when its key is not there."""
    sealed = await queries.sealed(tx, scope, customer_no)
    who = scope.principal.subject
    await _sql.lock(tx, employee_no=who)
    left = quota - await _sql.used(tx, employee_no=who)
    if left <= 0:
        raise QuotaUsedUp(f"{quota} reveals a day", f"每日限 {quota} 次")
    found = sealed.mobile if wanted.field == "mobile" else sealed.id_no
    value = None if found is None else fields.open(found, Place("customer", wanted.field, customer_no))
    await _sql.add(tx, id=uuid.uuid7(), employee_no=who, customer_id=sealed.customer_id, field=wanted.field)
    record = Record(
        action="customer.reveal", noun="customer", noun_id=customer_no, reason=f"{wanted.field}: {wanted.reason}"
    )
    await emit(tx, FieldRevealed(customer_no=customer_no), record)
    return Revealed(wanted.field, value, left - 1)
