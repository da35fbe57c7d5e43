"""Advisers' views: published to a product by licensed advisers, read by its subscribers and nobody else."""

from typing import Annotated
from uuid import UUID

from litestar import Router, post
from litestar.params import FromPath, JSONBody, QueryParameter

from api.edge.dependencies import PageQuery, Tx, Who
from api.edge.identify import may
from api.edge.reading import get
from api.product.product import Code
from centers.product import product_view
from centers.product.product_view import ViewCursor
from mobile_contracts.base import CODE, CODE_LENGTH, Page
from mobile_contracts.product.product import ProductView, PublishedView, ViewWritten

OfProduct = Annotated[
    str | None,
    QueryParameter(name="product_code", max_length=CODE_LENGTH, pattern=CODE, description="only of this product"),
]


@post(
    "/products/{product_code:str}/views", guards=[may("product.publish")], opt={"once": True}, summary="Publish a view"
)
async def publish_view(tx: Tx, who: Who, product_code: Code, data: JSONBody[ViewWritten]) -> PublishedView:
    """It goes to whoever is subscribed now, as each chose: in the app, by SMS or e-mail; later ones read it too.

    403 `not_licensed` without the licence of an investment adviser that is good today.
    """
    return await product_view.publish(tx, who, product_code, data)


@get("/products/{product_code:str}/views", guards=[may("product.read")], summary="Views of a product")
async def list_published(tx: Tx, page: PageQuery, product_code: Code) -> Page[PublishedView]:
    """The newest first."""
    found = await product_view.list_published(tx, product_code, page.after(ViewCursor) or ViewCursor(), page.limit + 1)
    return page.of(found, lambda one: ViewCursor(one.id))


@get("/views", guards=[may("self.read")], summary="Views of the products one has subscribed to")
async def list_own_views(tx: Tx, who: Who, page: PageQuery, product_code: OfProduct = None) -> Page[ProductView]:
    """The newest first."""
    found = await product_view.list_own(tx, who, product_code, page.after(ViewCursor) or ViewCursor(), page.limit + 1)
    return page.of(found, lambda one: ViewCursor(one.id))


@get("/views/{view_id:uuid}", guards=[may("self.read")], summary="One view")
async def read_own_view(tx: Tx, who: Who, view_id: FromPath[UUID]) -> ProductView:
    """404 also for whoever has not subscribed to its product."""
    return await product_view.find_own(tx, who, view_id)


staff = Router("", route_handlers=[publish_view, list_published], tags=["Products"])
investor = Router("", route_handlers=[list_own_views, read_own_view], tags=["Products"])
