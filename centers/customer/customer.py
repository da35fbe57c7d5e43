"""One customer and what belongs to them, within the scope."""

from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from kernel.errors import NotFound
from kernel.security.scope import Scope
from kernel.store.database import Tx
from kernel.store.sql import load
from kernel.text.personal import mask_email
from mobile_contracts.customer.customer import Account, Customer, Relation

_sql = load(Path(__file__).with_name("customer.sql"), Account, Customer, Relation)


class Sealed(Struct, frozen=True):
    """The masked fields of a customer in full, numbers encrypted."""

    customer_id: int
    mobile: bytes | None
    id_no: bytes
    email: str | None
    contact_mobile: bytes | None
    contact_email: str | None


async def find(tx: Tx, scope: Scope, customer_no: str) -> Customer:
    """The customer; raises `NotFound` when there is none in scope."""
    reach = scope.reach
    found: Customer | None = await _sql.find(
        tx, customer_no=customer_no, branches=reach.branches, employees=reach.employees, customer=reach.customer
    )
    if found is None:
        raise NotFound
    return replace(found, email=mask_email(found.email)) if found.email else found


async def list_accounts(tx: Tx, scope: Scope, customer_no: str) -> list[Account]:
    """The customer's accounts, the oldest first; raises `NotFound`."""
    customer = await find(tx, scope, customer_no)
    accounts: list[Account] = await _sql.list_accounts(tx, customer_id=customer.id)
    return accounts


async def list_relations(tx: Tx, scope: Scope, customer_no: str) -> list[Relation]:
    """Who looks after the customer, as far as it is in scope: a broker sees their own part; raises `NotFound`."""
    customer = await find(tx, scope, customer_no)
    relations: list[Relation] = await _sql.list_relations(tx, customer_id=customer.id)
    return relations


async def sealed(tx: Tx, scope: Scope, customer_no: str) -> Sealed:
    """What is masked of a customer; raises `NotFound` when there is none in scope."""
    reach = scope.reach
    row: Any = await _sql.sealed(tx, customer_no=customer_no, branches=reach.branches, employees=reach.employees)
    if row is None:
        raise NotFound
    return Sealed(*row)
