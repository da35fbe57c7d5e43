"""What gateways tell us over HTTP: receipts, replies and mail that came back, taken as they are from the queues."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from litestar import Router, post
from litestar.params import JSONBody

from api.edge.request import HttpRequest
from api.edge.signed import DEPENDENCIES, Gateway, signed
from api.given import Tx
from mobile_contracts.gateway import Items, Result, Results
from mobile_contracts.outbound import Inbound, Receipt
from notifications import inbound, receipt
from notifications.gateway import bounce
from notifications.receipt import Outcome

Told = TypeVar("Told", Receipt, Inbound)

_INVALID = "invalid"
_OTHERS = "unknown_gateway"


@post("/receipts", guards=[signed()], opt={"each": True}, status_code=200, summary="What became of messages")
async def post_receipts(tx: Tx, gateway: Gateway, data: JSONBody[Items]) -> Results:
    """Takes each receipt by itself, again as often as it comes.

    `code` is `invalid` for what is no hexad.receipt/1, `unknown_gateway` for one that names another gateway, and
    `unknown_id` for one about no message of ours.
    """
    results, good = sorted_out(data.items, Receipt, gateway.name, "id")
    return _told(results, await receipt.apply(tx, good, {gateway.name}))


@post("/inbound", guards=[signed()], opt={"each": True}, status_code=200, summary="Text messages that people sent us")
async def post_inbound(request: HttpRequest, tx: Tx, gateway: Gateway, data: JSONBody[Items]) -> Results:
    """Takes each reply by itself, once; a result bears the reply's `gateway_id`.

    `code` is `invalid` for what is no hexad.inbound/1, `unknown_gateway` for one that names another gateway.
    """
    results, good = sorted_out(data.items, Inbound, gateway.name, "gateway_id")
    return _told(results, await inbound.apply(tx, good, {gateway.name}, request.app.state.door))


@post("/bounces", guards=[signed()], status_code=200, summary="An e-mail that came back")
async def post_bounce(request: HttpRequest, tx: Tx, gateway: Gateway) -> Results:
    """Takes a delivery status notification (RFC 3464) as it came, headers and all, and counts it as receipts.

    A notification that decides nothing yet has no results; 400 for what is none, or is about no message of ours.
    """
    found = bounce.receipts(await request.body(), gateway.name, datetime.now(UTC))
    return _told([Result(str(one.id), ok=True) for one in found], await receipt.apply(tx, found, {gateway.name}))


def sorted_out(
    items: Sequence[msgspec.Raw], kind: type[Told], gateway: str, name: str
) -> tuple[list[Result], list[Told]]:
    """A result for every item, and those that are what they should be and speak for this gateway."""
    results: list[Result] = []
    good: list[Told] = []
    for item in items:
        try:
            told = msgspec.json.decode(item, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            results.append(Result(_name_of(item, name), ok=False, code=_INVALID))
            continue
        if told.gateway == gateway:
            good.append(told)
        told_id = str(getattr(told, name))
        results.append(Result(told_id, ok=told.gateway == gateway, code=None if told.gateway == gateway else _OTHERS))
    return results, good


def _name_of(item: msgspec.Raw, name: str) -> str:
    """What an item that is not as it should be calls itself, empty when it does not say."""
    try:
        given = msgspec.json.decode(item)[name]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, LookupError, TypeError):
        return ""
    return given[:64] if isinstance(given, str) else ""


def _told(results: Sequence[Result], outcomes: Sequence[Outcome]) -> Results:
    """The results, with what became of those that were good."""
    rest = iter(outcomes)
    return Results([_outcome(one, next(rest)) if one.ok else one for one in results])


def _outcome(result: Result, outcome: Outcome) -> Result:
    return Result(result.id, ok=outcome.ok, code=outcome.code or None)


gateway = Router(
    "", route_handlers=[post_receipts, post_inbound, post_bounce], dependencies=DEPENDENCIES, tags=["Gateways"]
)
