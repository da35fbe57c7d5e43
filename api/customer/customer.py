"""Customers: brokers see and look after those in their scope, investors see themselves."""

import re
from decimal import Decimal
from typing import Annotated

from litestar import Router, patch, post, put
from litestar.params import JSONBody, PathParameter, QueryParameter

from api.edge.answer import Answer, expected_version, versioned
from api.edge.dependencies import PageQuery, Tx, Who
from api.edge.identify import may
from api.edge.reading import get
from api.edge.request import HttpRequest
from centers.customer import contact, customer, lists, reveal
from centers.customer.lists import AssetsCursor, Filter, NameCursor, OpenedCursor
from kernel.errors import InvalidInput
from kernel.security.scope import Scope
from kernel.store.database import Tx as Transaction
from kernel.text import personal
from mobile_contracts.base import CODE, CODE_LENGTH, Page
from mobile_contracts.customer.customer import (
    Account,
    Contact,
    ContactChange,
    Customer,
    CustomerKind,
    CustomerLine,
    CustomerOrder,
    CustomerStatus,
    Preference,
    PreferenceChange,
    Relation,
    Revealed,
    RevealWanted,
)

_CENTS = Decimal(100)
_YUAN = r"^-?[0-9]{1,15}(\.[0-9]{1,4})?\Z"

No = Annotated[str, PathParameter(max_length=CODE_LENGTH, pattern=CODE, description="customer_no")]
Search = Annotated[
    str | None,
    QueryParameter(
        name="q", min_length=1, max_length=50, description="customer_no, a mobile number, or how the name begins"
    ),
]
Status = Annotated[CustomerStatus | None, QueryParameter(name="status", description="only of this status")]
Risk = Annotated[int | None, QueryParameter(name="risk_level", ge=1, le=5, description="only of this risk level")]
Kind = Annotated[CustomerKind | None, QueryParameter(name="kind", description="only of this kind")]
From = Annotated[str | None, QueryParameter(name="assets_from", pattern=_YUAN, description="yuan; this or more")]
To = Annotated[str | None, QueryParameter(name="assets_to", pattern=_YUAN, description="yuan; less than this")]
Order = Annotated[CustomerOrder, QueryParameter(name="sort", description="richest first, newest first, or by name")]


@get("/customers", guards=[may("customer.read")], summary="Customers in one's scope")
async def list_customers(
    request: HttpRequest,
    tx: Tx,
    who: Who,
    page: PageQuery,
    q: Search = None,
    status: Status = None,
    risk_level: Risk = None,
    kind: Kind = None,
    assets_from: From = None,
    assets_to: To = None,
    order: Order = "assets",
) -> Page[CustomerLine]:
    """Without `q` in the order of `sort`; `q` finds those with that number, else those whose name begins so."""
    wanted = Filter(status, risk_level, kind, _cents(assets_from, -1), _cents(assets_to, 1))
    if q is None:
        return await _ordered(tx, who, page, wanted, order)
    text = q.strip()
    if mobile := _mobile(text):
        index = request.app.state.seals.index.of("mobile", mobile)
        if found := await lists.by_mobile(tx, who, index, page.limit):
            return Page(found)
    if re.search(CODE, text) and (found := await lists.by_number(tx, who, text)):
        return Page(found)
    named = Filter(status, risk_level, kind, wanted.assets_from, wanted.assets_to, text)
    return await _ordered(tx, who, page, named, "name")


@get("/customers/{customer_no:str}", guards=[may("customer.read")], summary="One customer")
async def read_customer(tx: Tx, who: Who, customer_no: No) -> Answer[Customer]:
    """What the source systems say of the customer; what identifies a person is masked."""
    found = await customer.find(tx, who, customer_no)
    return versioned(found, found.version)


@get("/customers/{customer_no:str}/accounts", guards=[may("customer.read")], summary="Accounts of a customer")
async def list_accounts(tx: Tx, who: Who, customer_no: No) -> list[Account]:
    """The oldest first."""
    return await customer.list_accounts(tx, who, customer_no)


@get("/customers/{customer_no:str}/relations", guards=[may("customer.read")], summary="Who looks after a customer")
async def list_relations(tx: Tx, who: Who, customer_no: No) -> list[Relation]:
    """Today and later, as far as it is in one's scope."""
    return await customer.list_relations(tx, who, customer_no)


@get("/customers/{customer_no:str}/contact", guards=[may("customer.read")], summary="How else a customer is reached")
async def read_contact(tx: Tx, who: Who, customer_no: No) -> Answer[Contact]:
    """What our people or the customer noted; version 0 when nobody did."""
    found = await contact.find_contact(tx, who, customer_no)
    return versioned(found, found.version)


@patch(
    "/customers/{customer_no:str}/contact",
    guards=[may("customer.change")],
    opt={"versioned": True},
    summary="Note how else a customer is reached",
)
async def change_contact(
    request: HttpRequest, tx: Tx, who: Who, customer_no: No, data: JSONBody[ContactChange]
) -> Answer[Contact]:
    """Changes the fields that are named; needs If-Match."""
    seals = request.app.state.seals
    after = await contact.change_contact(tx, who, customer_no, expected_version(request), data, seals)
    return versioned(after, after.version)


@get("/customers/{customer_no:str}/preferences", guards=[may("customer.read")], summary="How a customer wants contact")
async def read_preferences(tx: Tx, who: Who, customer_no: No) -> Answer[Preference]:
    """Language, channel and hours; the defaults at version 0 when nothing was said."""
    found = await contact.find_preference(tx, who, customer_no)
    return versioned(found, found.version)


@put(
    "/customers/{customer_no:str}/preferences",
    guards=[may("customer.change")],
    opt={"versioned": True},
    summary="Keep how a customer wants contact",
)
async def change_preferences(
    request: HttpRequest, tx: Tx, who: Who, customer_no: No, data: JSONBody[PreferenceChange]
) -> Answer[Preference]:
    """Needs If-Match."""
    after = await contact.change_preference(tx, who, customer_no, expected_version(request), data)
    return versioned(after, after.version)


@post(
    "/customers/{customer_no:str}/reveal",
    guards=[may("customer.reveal")],
    status_code=200,
    summary="Show a masked field in full",
)
async def reveal_field(
    request: HttpRequest, tx: Tx, who: Who, customer_no: No, data: JSONBody[RevealWanted]
) -> Answer[Revealed]:
    """Counted against a quota a day and written to the audit log with the reason; the answer is kept nowhere.

    404 when nothing is known in that field, which counts nothing; `contact_…` are those that were noted.
    """
    state = request.app.state
    shown = await reveal.reveal(tx, who, customer_no, data, state.seals.fields, state.settings.reveal_quota)
    return Answer(shown, headers={"Cache-Control": "no-store"}, status_code=200)


@get("/me", guards=[may("self.read")], summary="Oneself as a customer")
async def read_self(tx: Tx, who: Who) -> Answer[Customer]:
    """What the source systems say of oneself."""
    found = await customer.find(tx, who, who.principal.subject)
    return versioned(found, found.version)


@get("/accounts", guards=[may("self.read")], summary="One's own accounts")
async def list_own_accounts(tx: Tx, who: Who) -> list[Account]:
    """The oldest first."""
    return await customer.list_accounts(tx, who, who.principal.subject)


@get("/contact", guards=[may("self.read")], summary="How else one is reached")
async def read_own_contact(tx: Tx, who: Who) -> Answer[Contact]:
    """What was noted, masked for oneself as well; version 0 when nothing was."""
    found = await contact.find_contact(tx, who, who.principal.subject)
    return versioned(found, found.version)


@patch("/contact", guards=[may("self.change")], opt={"versioned": True}, summary="Say how else one is reached")
async def change_own_contact(request: HttpRequest, tx: Tx, who: Who, data: JSONBody[ContactChange]) -> Answer[Contact]:
    """Changes the fields that are named; needs If-Match."""
    seals, version = request.app.state.seals, expected_version(request)
    after = await contact.change_contact(tx, who, who.principal.subject, version, data, seals)
    return versioned(after, after.version)


@get("/preferences", guards=[may("self.read")], summary="How one wants contact")
async def read_own_preferences(tx: Tx, who: Who) -> Answer[Preference]:
    """Language, channel and hours; the defaults at version 0."""
    found = await contact.find_preference(tx, who, who.principal.subject)
    return versioned(found, found.version)


@put("/preferences", guards=[may("self.change")], opt={"versioned": True}, summary="Say how one wants contact")
async def change_own_preferences(
    request: HttpRequest, tx: Tx, who: Who, data: JSONBody[PreferenceChange]
) -> Answer[Preference]:
    """Needs If-Match."""
    after = await contact.change_preference(tx, who, who.principal.subject, expected_version(request), data)
    return versioned(after, after.version)


async def _ordered(
    tx: Transaction, who: Scope, page: PageQuery, wanted: Filter, order: CustomerOrder
) -> Page[CustomerLine]:
    size = page.limit + 1
    match order:
        case "assets":
            richest = await lists.by_assets(tx, who, wanted, page.after(AssetsCursor) or AssetsCursor(), size)
            return page.of(richest, lambda one: AssetsCursor(int(one.assets * _CENTS), one.id))
        case "opened":
            newest = await lists.by_opening(tx, who, wanted, page.after(OpenedCursor) or OpenedCursor(), size)
            return page.of(newest, lambda one: OpenedCursor(one.opened_on, one.id))
        case "name":
            named = await lists.by_name(tx, who, wanted, page.after(NameCursor) or NameCursor(), size)
            return page.of(named, lambda one: NameCursor(one.name, one.id))


def _mobile(text: str) -> str | None:
    try:
        return personal.mobile(text)
    except InvalidInput:
        return None


def _cents(yuan: str | None, unbounded: int) -> int:
    return unbounded * lists.MOST if yuan is None else int(Decimal(yuan) * _CENTS)


staff = Router(
    "",
    route_handlers=[
        list_customers, read_customer, list_accounts, list_relations, read_contact, change_contact, read_preferences,
        change_preferences, reveal_field,
    ],
    tags=["Customers"],
)  # fmt: skip
investor = Router(
    "",
    route_handlers=[
        read_self, list_own_accounts, read_own_contact, change_own_contact, read_own_preferences,
        change_own_preferences,
    ],
    tags=["Oneself"],
)  # fmt: skip
