"""Revealing a masked field: for a reason, within a quota a day, and never without a row in the audit log."""

from pathlib import Path

import uuid_utils.compat as uuid
from msgspec import Struct

from centers.customer import customer
from centers.customer.customer import Sealed
from kernel.errors import NotFound, QuotaUsedUp
from kernel.events.outbox import Record, emit
from kernel.security.crypto import Fields, Place
from kernel.security.scope import Scope
from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.customer.customer import Revealed, RevealField, RevealWanted
from mobile_contracts.event import FieldRevealed

_SEALED_AT = {"mobile": ("customer", "mobile"), "id_no": ("customer", "id_no"), "contact_mobile": ("contact", "mobile")}
_sql = load(Path(__file__).with_name("reveal.sql"))


class Shown(Struct, frozen=True):
    """Which field was revealed, for the audit log."""

    field: RevealField


async def reveal(tx: Tx, scope: Scope, customer_no: str, wanted: RevealWanted, fields: Fields, quota: int) -> Revealed:
    """The field in full.

    Raises `NotFound`, also for a field that holds nothing, which counts nothing; `QuotaUsedUp`; or `FieldSealed` when
    its key is not there.
    """
    sealed = await customer.sealed(tx, scope, customer_no)
    who = scope.principal.subject
    await _sql.lock(tx, employee_no=who)
    left = quota - await _sql.used(tx, employee_no=who)
    if left <= 0:
        # raised by: themselves
        raise QuotaUsedUp(f"{quota} reveals a day", f"每日限 {quota} 次", await _sql.until_midnight(tx))
    value = _opened(sealed, wanted.field, customer_no, fields)
    if not value:
        raise NotFound(f"nothing is known as {wanted.field}", f"该客户没有 {wanted.field}")
    await _sql.add(tx, id=uuid.uuid7(), employee_no=who, customer_id=sealed.customer_id, field=wanted.field)
    record = Record(
        action="customer.reveal", noun="customer", noun_id=customer_no, after=Shown(wanted.field), reason=wanted.reason
    )
    await emit(tx, FieldRevealed(customer_no=customer_no), record)
    return Revealed(wanted.field, value, left - 1)


def _opened(sealed: Sealed, field: RevealField, customer_no: str, fields: Fields) -> str | None:
    """The field in full, null when there is none."""
    found: bytes | str | None = getattr(sealed, field)
    if isinstance(found, bytes):
        return fields.open(found, Place(*_SEALED_AT[field], customer_no))
    return found
