"""Advisers' views on their way to the subscribers of a product."""

from centers.product import view
from kernel.database import Tx
from kernel.scope import apply_system
from mobile_contracts.event import ViewPublished
from notifications import notice
from workers.registry import handles


@handles(ViewPublished)
async def spread_view(tx: Tx, event: ViewPublished) -> None:
    """Chooses the readers of the day and has the view delivered, once."""
    await apply_system(tx, "spread_view", kind="company")
    chosen = await view.choose_readers(tx, event.view_id)
    if chosen is None:
        return
    spreading, _ = chosen
    for customer_no in await view.reader_numbers(tx, event.view_id):
        await notice.give(
            tx, "investor", customer_no, "product_view", spreading.title, spreading.product_name,
            f"/views/{spreading.id}", once=f"view:{spreading.id}",
        )  # fmt: skip
