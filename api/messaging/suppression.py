"""Suppressions: to which addresses nothing more goes, why, and how staff let messages go there again."""

from typing import Annotated

from litestar import Router, delete
from litestar.params import PathParameter

from api.customer.customer import No
from api.edge.dependencies import PageQuery, Tx, Who
from api.edge.identify import may
from api.edge.reading import get
from api.identity.session import Reason
from mobile_contracts.base import Page
from mobile_contracts.messaging.suppression import Suppression
from notifications.consent import suppression
from notifications.consent.suppression import SuppressionCursor

SuppressionId = Annotated[int, PathParameter(ge=1, le=2**63 - 1, description="id of the suppression")]


@get("/suppressions", guards=[may("suppression.read")], summary="Addresses to which nothing more goes")
async def list_suppressions(tx: Tx, page: PageQuery) -> Page[Suppression]:
    """Those of customers in one's scope, the newest first."""
    return await _page(tx, None, page)


@get(
    "/customers/{customer_no:str}/suppressions",
    guards=[may("suppression.read")],
    summary="Addresses of a customer to which nothing more goes",
)
async def list_of_customer(tx: Tx, customer_no: No, page: PageQuery) -> Page[Suppression]:
    """The newest first; none for a customer out of scope."""
    return await _page(tx, customer_no, page)


@delete(
    "/customers/{customer_no:str}/suppressions/{suppression_id:int}",
    guards=[may("suppression.lift")],
    status_code=204,
    summary="Let messages go to an address again",
)
async def lift(tx: Tx, who: Who, customer_no: No, suppression_id: SuppressionId, reason: Reason) -> None:
    """Each reason is lifted alone: after a bounce, a complaint about the same address still stands."""
    await suppression.lift(tx, customer_no, suppression_id, reason)


async def _page(tx: Tx, customer_no: str | None, page: PageQuery) -> Page[Suppression]:
    after = page.after(SuppressionCursor) or SuppressionCursor()
    found = await suppression.list_some(tx, customer_no, after, page.limit + 1)
    return page.of(found, cursor=lambda one: SuppressionCursor(one.id))


staff = Router("", route_handlers=[list_suppressions, list_of_customer, lift], tags=["Consent"])
