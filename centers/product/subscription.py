"""Subscriptions (签约) as investors ask for them and staff see them; `platform` has what becomes of them."""

from decimal import Decimal
from pathlib import Path
from uuid import UUID

import uuid_utils.compat as uuid

from centers.product.product import agreement as agreement_of
from centers.product.product import find as find_product
from kernel.errors import (
    AgreementChanged,
    AlreadySubscribed,
    CustomerNotActive,
    HexadError,
    NotCancellable,
    NotFound,
    PriceChanged,
    ProductWithdrawn,
    QuestionnaireExpired,
    QuestionnaireMissing,
    RiskTooHigh,
)
from kernel.events.outbox import Record, emit
from kernel.security.scope import Scope
from kernel.store.cursor import Cursor
from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.event import SubscriptionAsked
from mobile_contracts.product.product import (
    CustomerSubscription,
    Product,
    Subscription,
    SubscriptionState,
    SubscriptionWanted,
    Suitability,
    SuitabilityReason,
)

_REFUSALS: dict[SuitabilityReason, type[HexadError]] = {
    "product_withdrawn": ProductWithdrawn,
    "customer_not_active": CustomerNotActive,
    "no_questionnaire": QuestionnaireMissing,
    "questionnaire_expired": QuestionnaireExpired,
    "risk_too_high": RiskTooHigh,
}
_sql = load(Path(__file__).with_name("subscription.sql"), Subscription, CustomerSubscription)


class SubscriptionCursor(Cursor, frozen=True):
    """Before this subscription."""

    id: UUID | None = None


async def check_wanted(tx: Tx, scope: Scope, wanted: SubscriptionWanted) -> Product:
    """The product, as the investor saw it.

    Raises `NotFound`, `ProductWithdrawn`, `PriceChanged`, `AgreementChanged` or `AlreadySubscribed`.
    """
    product = await find_product(tx, wanted.product_code)
    await check_open(tx, scope, product)
    if not _same(wanted.price, product.price):
        raise PriceChanged
    agreement = await agreement_of(tx, "zh")
    if wanted.agreement_version != agreement.version:
        raise AgreementChanged
    return product


async def check_open(tx: Tx, scope: Scope, product: Product) -> None:
    """Raises `ProductWithdrawn` or, when the investor has it already, `AlreadySubscribed`."""
    if product.status == "off":
        raise ProductWithdrawn
    if await _sql.is_subscribed(tx, customer=scope.reach.customer, product_code=product.product_code):
        raise AlreadySubscribed


def check_suitable(decided: Suitability) -> None:
    """Raises the refusal that the decision names."""
    if refusal := _REFUSALS.get(decided.reason):
        raise refusal


async def do_subscribe(tx: Tx, scope: Scope, wanted: SubscriptionWanted, decided: Suitability) -> Subscription:
    """Keeps the request and has the advisory platform told; raises `AlreadySubscribed` when another was faster."""
    price = None if wanted.price is None else Decimal(wanted.price)
    subscription_id = await _sql.add(
        tx, id=uuid.uuid7(), customer=scope.reach.customer, product_code=wanted.product_code, price=price,
        agreement_version=wanted.agreement_version, suitability_id=decided.id, channel=wanted.channel,
    )  # fmt: skip
    if subscription_id is None:
        raise AlreadySubscribed
    after = await find_own(tx, scope, subscription_id)
    record = Record(action="subscription.request", noun="subscription", noun_id=str(after.id), after=after)
    await emit(tx, SubscriptionAsked(subscription_id=after.id), record)
    return after


async def cancel(tx: Tx, scope: Scope, subscription_id: UUID) -> Subscription:
    """Has the platform asked to end it; asked again, nothing more happens. Raises `NotFound` or `NotCancellable`."""
    before = await find_own(tx, scope, subscription_id)
    if before.state not in ("requested", "confirmed"):
        raise NotCancellable
    if await _sql.ask_to_cancel(tx, id=subscription_id, customer=scope.reach.customer) is None:
        return before
    after = await find_own(tx, scope, subscription_id)
    record = Record(
        action="subscription.cancel", noun="subscription", noun_id=str(after.id), before=before, after=after
    )
    await emit(tx, SubscriptionAsked(subscription_id=after.id), record)
    return after


async def find_own(tx: Tx, scope: Scope, subscription_id: UUID) -> Subscription:
    """The investor's subscription; raises `NotFound`."""
    found: Subscription | None = await _sql.find_own(tx, id=subscription_id, customer=scope.reach.customer)
    if found is None:
        raise NotFound
    return found


async def list_own(tx: Tx, scope: Scope, before: SubscriptionCursor, size: int) -> list[Subscription]:
    """The investor's subscriptions, the newest first."""
    found: list[Subscription] = await _sql.list_own(tx, customer=scope.reach.customer, before=before.id, size=size)
    return found


async def list_in_scope(
    tx: Tx, scope: Scope, state: SubscriptionState | None, before: SubscriptionCursor, size: int,
    customer_no: str | None = None,
) -> list[CustomerSubscription]:  # fmt: skip
    """Subscriptions of customers in scope, or of one of them, the newest first; raises `NotFound` for another one."""
    reach = scope.reach
    if customer_no is not None and not await _sql.is_in_scope(
        tx, customer_no=customer_no, branches=reach.branches, employees=reach.employees
    ):
        raise NotFound
    given = {"customer_no": customer_no, "state": state, "before": before.id, "size": size}
    found: list[CustomerSubscription] = await (
        _sql.list_by_relation(tx, employees=reach.employees, **given)
        if reach.by_relation
        else _sql.list_by_branch(tx, branches=reach.branches, **given)
    )
    return found


def _same(seen: str | None, price: Decimal | None) -> bool:
    return price is None if seen is None else Decimal(seen) == price
