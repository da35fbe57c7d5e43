"""Advisers' views on their way to the subscribers of a product."""

from centers.product import product_view
from kernel.security.scope import apply_system
from kernel.store.database import Tx
from mobile_contracts.event import ViewPublished
from notifications.broadcast import broadcast
from notifications.broadcast.broadcast import Wanted
from notifications.template import rendering
from workers.runtime.registry import handles

_WORDS = 200
"""Characters of a view that go along with its title; all of it is read in the app."""

_NAME = 100
"""Characters of the product's name."""


@handles(ViewPublished, name="spread_view")
async def spread_view(tx: Tx, event: ViewPublished) -> None:
    """Chooses the readers of the day, and starts a broadcast by each channel that some of them chose; once."""
    await apply_system(tx, "spread_view", kind="company")
    chosen = await product_view.choose_readers(tx, event.view_id)
    if chosen is None:
        return
    spreading, readers = chosen
    product, title, words = map(rendering.in_one_line, (spreading.product_name, spreading.title, spreading.body))
    values = {
        "product": product[:_NAME] or spreading.product_code,
        "title": title or spreading.product_code,
        "words": (words if len(words) <= _WORDS else f"{words[: _WORDS - 1]}…") or title or spreading.product_code,
    }
    for channel, customer_ids in readers.items():
        await broadcast.start(
            tx,
            Wanted(
                kind="product_view", template="product_view", purpose="service", channels=(channel,), values=values,
                customer_ids=customer_ids, topic="product_view", product_code=spreading.product_code,
                by=f"staff:{spreading.employee_no}", once=f"view:{spreading.id}:{channel}",
            ),
        )  # fmt: skip
