"""Subscriptions: an investor confirms one by a code from an SMS; staff see those of their customers."""

from typing import Annotated
from uuid import UUID

from litestar import Router, post
from litestar.params import FromPath, JSONBody, QueryParameter

from api.customer.customer import No
from api.edge.dependencies import PageQuery, Tx, Who
from api.edge.identify import may
from api.edge.reading import get
from api.edge.request import HttpRequest
from api.edge.visit import visit_of
from api.product.product import Code
from centers.product import platform, subscription, suitability
from centers.product.platform import ContractCursor
from centers.product.product import find as find_product
from centers.product.subscription import SubscriptionCursor
from identity import one_time_code, people
from identity.one_time_code import Destination, Owner
from kernel.errors import CodeRefused, NoMobile
from kernel.events.outbox import Record, emit
from kernel.security.crypto import Place
from kernel.security.scope import Scope
from mobile_contracts.base import Page
from mobile_contracts.event import CodeWanted
from mobile_contracts.identity.sign_in import CodeOnItsWay
from mobile_contracts.product.product import (
    Contract,
    CustomerSubscription,
    Product,
    Subscription,
    SubscriptionState,
    SubscriptionWanted,
)

_AGAIN_SECONDS = 60
InState = Annotated[SubscriptionState | None, QueryParameter(name="state", description="only in this state")]


@post(
    "/products/{product_code:str}/code",
    guards=[may("self.change")],
    opt={"keeps": True},
    status_code=202,
    summary="Ask for a code by SMS",
)
async def ask_for_code(request: HttpRequest, tx: Tx, who: Who, product_code: Code) -> CodeOnItsWay:
    """A code to subscribe to this product on this device; it ends the one before.

    409 `no_mobile` where no number is known, or what would refuse the subscription anyway: `product_withdrawn`,
    `already_subscribed`, `no_questionnaire`, `questionnaire_expired`, `risk_too_high` or `customer_not_active`.
    429 says when the next one may be asked for: this person, the number or the firm have had their share.
    """
    product, visit = await find_product(tx, product_code), visit_of(request, "investor")
    await subscription.check_open(tx, who, product)
    subscription.check_suitable(await suitability.do_decide(tx, who, product, "subscribe"))
    person = await people.customer(tx, visit.door.index, who.principal.subject)
    if person is None or person.mobile is None or person.mobile_index is None:
        raise NoMobile
    asker = visit.door.codes.asker("signed_in", person.subject, who.principal.device_id, visit.address)
    await visit.door.codes.admit(tx, asker, "subscribe", person.mobile_index)
    mobile = visit.door.fields.open(person.mobile, Place("customer", "mobile", person.subject))
    to = Destination(mobile, person.mobile_index)
    code_id, _ = await visit.door.codes.make(tx, _owner(who, product), asker, to)
    what = Record(action="code.ask", noun="one_time_code", noun_id=str(code_id), reason="subscribe",
                  after=visit.attempt(asker.device_id))  # fmt: skip
    await emit(tx, CodeWanted(code_id=code_id), what)
    return CodeOnItsWay(expires_in=one_time_code.SMS_SECONDS, again_in=_AGAIN_SECONDS)


@post(
    "/subscriptions", guards=[may("self.change")], opt={"once": True, "keeps": True}, summary="Subscribe to a product"
)
async def subscribe(request: HttpRequest, tx: Tx, who: Who, data: JSONBody[SubscriptionWanted]) -> Subscription:
    """The advisory platform decides on it: `requested` becomes `confirmed`, `refused` or `failed`.

    409 with `product_withdrawn`, `price_changed`, `agreement_changed`, `already_subscribed`, `no_questionnaire`,
    `questionnaire_expired`, `risk_too_high`, `customer_not_active` or `code_refused`.
    """
    product = await subscription.check_wanted(tx, who, data)
    decided = await suitability.do_decide(tx, who, product, "subscribe")
    subscription.check_suitable(decided)
    code_id = await visit_of(request, "investor").door.codes.matches(tx, _owner(who, product), data.code)
    async with tx.transaction():  # the decision and the try stay whatever becomes of this
        if code_id is None or not await one_time_code.use(tx, code_id):
            raise CodeRefused
        return await subscription.do_subscribe(tx, who, data, decided)


@get("/subscriptions", guards=[may("self.read")], summary="One's own subscriptions")
async def list_own(tx: Tx, who: Who, page: PageQuery) -> Page[Subscription]:
    """The newest first."""
    before = page.after(SubscriptionCursor) or SubscriptionCursor()
    found = await subscription.list_own(tx, who, before, page.limit + 1)
    return page.of(found, lambda one: SubscriptionCursor(one.id))


@get("/subscriptions/{subscription_id:uuid}", guards=[may("self.read")], summary="One subscription of one's own")
async def read_own(tx: Tx, who: Who, subscription_id: FromPath[UUID]) -> Subscription:
    """How it stands."""
    return await subscription.find_own(tx, who, subscription_id)


@post(
    "/subscriptions/{subscription_id:uuid}/cancel",
    guards=[may("self.change")],
    opt={"once": True},
    status_code=202,
    summary="Cancel a subscription",
)
async def cancel_own(tx: Tx, who: Who, subscription_id: FromPath[UUID]) -> Subscription:
    """It is `cancelling` until the advisory platform has ended the contract; 409 `not_cancellable` once it has."""
    return await subscription.cancel(tx, who, subscription_id)


@get("/contracts", guards=[may("self.read")], summary="One's own contracts")
async def list_contracts(tx: Tx, who: Who, page: PageQuery) -> Page[Contract]:
    """By number, those signed at a branch and those that have ended too."""
    after = page.after(ContractCursor) or ContractCursor()
    found = await platform.list_own_contracts(tx, who, after, page.limit + 1)
    return page.of(found, lambda one: ContractCursor(one.contract_no))


@get("/subscriptions", guards=[may("customer.read")], summary="Subscriptions of customers in one's scope")
async def list_in_scope(tx: Tx, who: Who, page: PageQuery, in_state: InState = None) -> Page[CustomerSubscription]:
    """The newest first; `problem` says what keeps the advisory platform from deciding."""
    before = page.after(SubscriptionCursor) or SubscriptionCursor()
    found = await subscription.list_in_scope(tx, who, in_state, before, page.limit + 1)
    return page.of(found, lambda one: SubscriptionCursor(one.id))


@get(
    "/customers/{customer_no:str}/subscriptions", guards=[may("customer.read")], summary="Subscriptions of a customer"
)  # fmt: skip
async def list_of_customer(tx: Tx, who: Who, page: PageQuery, customer_no: No) -> Page[CustomerSubscription]:
    """The newest first."""
    before = page.after(SubscriptionCursor) or SubscriptionCursor()
    found = await subscription.list_in_scope(tx, who, None, before, page.limit + 1, customer_no)
    return page.of(found, lambda one: SubscriptionCursor(one.id))


def _owner(who: Scope, product: Product) -> Owner:
    return Owner("subscribe", "investor", who.principal.subject, who.principal.device_id, product.product_code)


staff = Router("", route_handlers=[list_in_scope, list_of_customer], tags=["Subscriptions"])
investor = Router(
    "",
    route_handlers=[ask_for_code, subscribe, list_own, read_own, cancel_own, list_contracts],
    tags=["Subscriptions"],
)
