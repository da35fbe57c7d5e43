"""Products: the catalogue of the advisory platform, for staff as it is, for investors with whether it suits them."""

from typing import Annotated, Literal

from litestar import Router, post
from litestar.params import PathParameter, QueryParameter

from api.edge.answer import Answer, versioned
from api.edge.dependencies import PageQuery, Tx, Who
from api.edge.headers import language
from api.edge.identify import may
from api.edge.reading import get
from api.edge.request import HttpRequest
from centers.product import product, suitability
from centers.product.product import Filter, ProductCursor
from mobile_contracts.base import CODE, CODE_LENGTH, NO_CONTROLS, Page
from mobile_contracts.product.product import Category, Offer, OfferDetail, Product, Suitability

Code = Annotated[str, PathParameter(max_length=CODE_LENGTH, pattern=CODE, description="product_code")]
OfCategory = Annotated[Category | None, QueryParameter(name="category", description="only of this category")]
UpTo = Annotated[int | None, QueryParameter(name="risk_level", ge=1, le=5, description="up to this risk level")]
Search = Annotated[
    str | None,
    QueryParameter(name="q", min_length=1, max_length=50, pattern=NO_CONTROLS, description="the code, or of the name"),
]
Suiting = Annotated[bool, QueryParameter(name="suitable", description="only those that suit me now")]
Status = Annotated[Literal["on", "off"] | None, QueryParameter(name="status", description="on offer, or withdrawn")]


@get("/products", guards=[may("product.read")], summary="Products on offer")
async def list_offers(
    tx: Tx,
    who: Who,
    page: PageQuery,
    category: OfCategory = None,
    risk_level: UpTo = None,
    q: Search = None,
    suitable: Suiting = False,
) -> Page[Offer]:
    """By code, each with whether it suits the investor and why not."""
    wanted = Filter(category, risk_level, q, suitable)
    offers = await product.list_offers(tx, who, wanted, page.after(ProductCursor) or ProductCursor(), page.limit + 1)
    return page.of(offers, lambda one: ProductCursor(one.product_code))


@get("/products/{product_code:str}", guards=[may("product.read")], summary="One product")
async def read_offer(request: HttpRequest, tx: Tx, who: Who, product_code: Code) -> OfferDetail:
    """With the agreement that a subscription names; a withdrawn one is shown as such."""
    return await product.find_offer(tx, who, product_code, language(request.scope))


@post(
    "/products/{product_code:str}/suitability",
    guards=[may("self.change")],
    opt={"once": True},
    status_code=200,
    summary="Whether a product suits me",
)
async def check_suitability(tx: Tx, who: Who, product_code: Code) -> Suitability:
    """Decided now, and kept with what it was based on."""
    return await suitability.do_decide(tx, who, await product.find(tx, product_code), "check")


@get("/products", guards=[may("product.read")], summary="Products")
async def list_products(
    tx: Tx, page: PageQuery, category: OfCategory = None, risk_level: UpTo = None, q: Search = None,
    in_status: Status = None,
) -> Page[Product]:  # fmt: skip
    """By code, withdrawn ones too."""
    after, wanted = page.after(ProductCursor) or ProductCursor(), Filter(category, risk_level, q)
    products = await product.list_products(tx, wanted, after, page.limit + 1, in_status)
    return page.of(products, lambda one: ProductCursor(one.product_code))


@get("/products/{product_code:str}", guards=[may("product.read")], summary="One product")
async def read_product(tx: Tx, product_code: Code) -> Answer[Product]:
    """As the advisory platform delivers it."""
    found = await product.find(tx, product_code)
    return versioned(found, found.version)


staff = Router("", route_handlers=[list_products, read_product], tags=["Products"])
investor = Router("", route_handlers=[list_offers, read_offer, check_suitability], tags=["Products"])
