"""The catalogue: products as staff see them, and as offers to one investor."""

import datetime
from pathlib import Path

from msgspec import Struct

from centers.product import suitability, suitability_rules
from centers.product.suitability_rules import Standing
from kernel.calendar import days
from kernel.errors import NotFound
from kernel.security.scope import Scope
from kernel.store.cursor import Cursor, Words
from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.product.product import Agreement, Category, Offer, OfferDetail, Product

_sql = load(Path(__file__).with_name("product.sql"), Product, Agreement)


class ProductCursor(Cursor, frozen=True):
    """After this product."""

    product_code: Words = ""


class Filter(Struct, frozen=True):
    """Which products are asked for; null is any. `suitable` leaves those that suit the investor now."""

    category: Category | None = None
    risk_level: int | None = None
    text: str | None = None
    suitable: bool = False


async def find(tx: Tx, product_code: str) -> Product:
    """The product, withdrawn or not; raises `NotFound`."""
    found: Product | None = await _sql.find(tx, product_code=product_code)
    if found is None:
        raise NotFound
    return found


async def list_products(
    tx: Tx, wanted: Filter, after: ProductCursor, size: int, status: str | None = None, most_level: int = 5
) -> list[Product]:
    """By code, up to a risk level."""
    level = min(wanted.risk_level or 5, most_level)
    products: list[Product] = await _sql.list_products(
        tx, after=after.product_code, size=size, category=wanted.category, status=status, most_level=level,
        text=wanted.text,
    )  # fmt: skip
    return products


async def list_offers(tx: Tx, scope: Scope, wanted: Filter, after: ProductCursor, size: int) -> list[Offer]:
    """What the investor may subscribe to now, by code, each with whether it suits."""
    standing = await suitability.standing(tx, scope)
    most = suitability_rules.bearable(standing, days.today()) if wanted.suitable else 5
    products = await list_products(tx, wanted, after, size, "on", most)
    return await _offers(tx, scope, standing, products)


async def find_offer(tx: Tx, scope: Scope, product_code: str, language: str) -> OfferDetail:
    """One product for the investor, withdrawn ones too; raises `NotFound`."""
    product, standing = await find(tx, product_code), await suitability.standing(tx, scope)
    (offer,) = await _offers(tx, scope, standing, [product])
    return OfferDetail(offer, await agreement(tx, language))


async def agreement(tx: Tx, language: str) -> Agreement:
    """The agreement in force, in `zh` or `en`."""
    found: Agreement = await _sql.agreement(tx, language=language)
    return found


async def _offers(tx: Tx, scope: Scope, standing: Standing, products: list[Product]) -> list[Offer]:
    codes = [product.product_code for product in products]
    rows = await _sql.subscribed(tx, customer=scope.reach.customer, codes=codes)
    subscribed, today = {row[0] for row in rows}, days.today()
    return [_offer(product, standing, today, product.product_code in subscribed) for product in products]


def _offer(product: Product, standing: Standing, today: datetime.date, subscribed: bool) -> Offer:
    reason = suitability_rules.judged(standing, product.risk_level, on=product.status == "on", today=today)
    return Offer(
        product_code=product.product_code, name=product.name, category=product.category,
        risk_level=product.risk_level, price=product.price, period_days=product.period_days, status=product.status,
        suitable=reason == "suitable", reason=reason, subscribed=subscribed,
    )  # fmt: skip
