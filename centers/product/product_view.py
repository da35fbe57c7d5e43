"""Advisers' views of products (投顾观点): published by licensed advisers, read by subscribers and nobody else."""

from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

import uuid_utils.compat as uuid
from msgspec import Struct

from centers.product.product import find as find_product
from kernel.errors import NotFound, NotLicensed, ProductWithdrawn
from kernel.events.outbox import Record, emit
from kernel.security.scope import Scope
from kernel.store.cursor import Cursor
from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.event import ViewPublished
from mobile_contracts.product.product import Product, ProductView, PublishedView, ViewChannel, ViewWritten


class ViewCursor(Cursor, frozen=True):
    """Before this view."""

    id: UUID | None = None


class Spreading(Struct, frozen=True):
    """A view on its way to its readers, and who wrote it."""

    id: UUID
    product_code: str
    product_name: str
    title: str
    body: str
    employee_no: str


_sql = load(Path(__file__).with_name("product_view.sql"), ProductView, PublishedView, Spreading)


async def publish(tx: Tx, scope: Scope, product_code: str, written: ViewWritten) -> PublishedView:
    """Publishes a view of a product on offer; raises `NotFound`, `ProductWithdrawn` or `NotLicensed`."""
    product = await check_publishable(tx, scope, product_code)
    return await do_publish(tx, scope, product, written)


async def check_publishable(tx: Tx, scope: Scope, product_code: str) -> Product:
    """The product; raises `NotFound`, `ProductWithdrawn`, or `NotLicensed` for who is no licensed adviser today."""
    product = await find_product(tx, product_code)
    if not await _sql.is_licensed(tx, employee=scope.principal.employee):
        raise NotLicensed
    if product.status == "off":
        raise ProductWithdrawn
    return product


async def do_publish(tx: Tx, scope: Scope, product: Product, written: ViewWritten) -> PublishedView:
    """Keeps the view and has it spread."""
    view_id = uuid.uuid7()
    await _sql.add(
        tx, id=view_id, product_code=product.product_code, employee=scope.principal.employee, title=written.title,
        body=written.body,
    )  # fmt: skip
    after: PublishedView = await _sql.find_published(tx, id=view_id)
    record = Record(action="view.publish", noun="product_view", noun_id=str(view_id), after=after)
    await emit(tx, ViewPublished(view_id=view_id), record)
    return after


async def list_published(tx: Tx, product_code: str, before: ViewCursor, size: int) -> list[PublishedView]:
    """Views of a product as staff see them, the newest first; raises `NotFound`."""
    await find_product(tx, product_code)
    found: list[PublishedView] = await _sql.list_published(tx, product_code=product_code, before=before.id, size=size)
    return found


async def list_own(
    tx: Tx, scope: Scope, product_code: str | None, before: ViewCursor, size: int
) -> list[ProductView]:  # fmt: skip
    """Views of products that the investor has subscribed to, or of one of them, the newest first."""
    found: list[ProductView] = await _sql.list_own(
        tx, customer=scope.reach.customer, product_code=product_code, before=before.id, size=size
    )
    return found


async def find_own(tx: Tx, scope: Scope, view_id: UUID) -> ProductView:
    """The view; raises `NotFound`, also for whoever has not subscribed to its product."""
    found: ProductView | None = await _sql.find_own(tx, id=view_id, customer=scope.reach.customer)
    if found is None:
        raise NotFound
    return found


async def choose_readers(tx: Tx, view_id: UUID) -> tuple[Spreading, Mapping[ViewChannel, list[int]]] | None:
    """The view, and who gets it by which channel: whoever is subscribed now. Null when that was done before."""
    spreading: Spreading | None = await _sql.hold(tx, id=view_id)
    if spreading is None:
        return None
    await _sql.add_readers(tx, id=view_id, product_code=spreading.product_code)
    readers = {row["channel"]: row["customers"] for row in await _sql.readers(tx, id=view_id)}
    await _sql.spread(tx, id=view_id)
    return spreading, readers
