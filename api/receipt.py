"""What gateways tell us over HTTP: receipts and replies, as they would in the queues."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from litestar import Router, post
from litestar.params import JSONBody

from api.edge.request import HttpRequest
from api.edge.signed import DEPENDENCIES, Gateway, signed
from api.given import Tx
from kernel.queues import INBOUND, RECEIPTS, Queue
from kernel.queues.client import Message, Queues
from mobile_contracts.gateway import Items, Result, Results
from mobile_contracts.outbound import Inbound, Receipt
from notifications.gateway import bounce

Told = TypeVar("Told", Receipt, Inbound)

_INVALID = "invalid"
_OTHERS = "unknown_gateway"


@post("/receipts", guards=[signed()], status_code=200, summary="What became of messages")
async def post_receipts(request: HttpRequest, tx: Tx, gateway: Gateway, data: JSONBody[Items]) -> Results:
    """Takes each receipt by itself; those that are taken have their effect within seconds, as from the queue.

    `code` is `invalid` for what is no hexad.receipt/1, `unknown_gateway` for one that names another gateway.
    """
    results, good = sorted_out(data.items, Receipt, gateway.name, "id")
    await _put(request, RECEIPTS, good)
    return Results(results)


@post("/inbound", guards=[signed()], status_code=200, summary="Text messages that people sent us")
async def post_inbound(request: HttpRequest, tx: Tx, gateway: Gateway, data: JSONBody[Items]) -> Results:
    """Takes each reply by itself; a result bears the reply's `gateway_id`.

    `code` is `invalid` for what is no hexad.inbound/1, `unknown_gateway` for one that names another gateway.
    """
    results, good = sorted_out(data.items, Inbound, gateway.name, "gateway_id")
    await _put(request, INBOUND, good)
    return Results(results)


@post("/bounces", guards=[signed()], status_code=200, summary="An e-mail that came back")
async def post_bounce(request: HttpRequest, tx: Tx, gateway: Gateway) -> Results:
    """Takes a delivery status notification (RFC 3464) as it came, headers and all, and counts it as receipts.

    A notification that decides nothing yet has no results; 400 for what is none, or is about no message of ours.
    """
    found = bounce.receipts(await request.body(), gateway.name, datetime.now(UTC))
    await _put(request, RECEIPTS, found)
    return Results([Result(str(one.id), ok=True) for one in found])


def sorted_out(
    items: Sequence[dict[str, Any]], kind: type[Told], gateway: str, name: str
) -> tuple[list[Result], list[Told]]:
    """A result for every item, and those that are what they should be."""
    results, good = [], []
    for item in items:
        given = item.get(name)
        item_id = given[:64] if isinstance(given, str) else ""
        try:
            told = msgspec.convert(item, kind)
        except msgspec.ValidationError:
            results.append(Result(item_id, ok=False, code=_INVALID))
            continue
        if told.gateway == gateway:
            good.append(told)
        results.append(Result(item_id, ok=told.gateway == gateway, code=None if told.gateway == gateway else _OTHERS))
    return results, good


async def _put(request: HttpRequest, queue: Queue, messages: Sequence[Receipt | Inbound]) -> None:
    """Into the queue, within the transaction that uses the signature up: a refusal leaves it unused."""
    queues: Queues = request.app.state.queues
    await queues.publish(queue, [Message(msgspec.json.encode(one), id=_id(one)) for one in messages])


def _id(message: Receipt | Inbound) -> str:
    return str(message.id) if isinstance(message, Receipt) else message.gateway_id


gateway = Router(
    "", route_handlers=[post_receipts, post_inbound, post_bounce], dependencies=DEPENDENCIES, tags=["Gateways"]
)
