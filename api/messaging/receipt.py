"""What gateways tell us over HTTP: receipts, replies and mail that came back, taken as they are from the queues."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from litestar import Response, Router, post
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody

from api.edge.answer import Answer
from api.edge.dependencies import Tx
from api.edge.headers import language, request_id
from api.edge.request import HttpRequest
from api.edge.signed import DEPENDENCIES, Gateway, signed
from api.edge.validation import field_error
from kernel.errors import NotFound
from kernel.queues.client import UNREADABLE
from kernel.security.scope import apply_system
from kernel.store.database import Tx as Transaction
from mobile_contracts.messaging.gateway import Items, Result, Results, Returned
from mobile_contracts.messaging.outbound import Inbound, Receipt
from notifications.consent import unsubscribe
from notifications.gateway import bounce
from notifications.receipt import receipt, reply
from notifications.receipt.receipt import Outcome

Told = TypeVar("Told", Receipt, Inbound)

_WHY = {
    "unknown_gateway": ("it names another gateway than the one that signed", "所填网关与签名网关不一致"),
    "unknown_id": ("there is no message of ours with this id", "没有此编号的消息"),
    "other_gateway": (
        "the message went to another gateway, or is of a channel that this one was not agreed for",
        "该消息由其他网关发送,或不属于该网关约定的渠道",
    ),
}
"""Why an item was not taken, in English and Chinese."""


@post("/receipts", guards=[signed()], opt={"each": Receipt}, status_code=200, summary="What became of messages")
async def post_receipts(request: HttpRequest, tx: Tx, gateway: Gateway, data: JSONBody[Items]) -> Results:
    """Takes each receipt by itself, again as often as it comes.

    `code` is `invalid` for what is no hexad.receipt/1, `unknown_gateway` for one that names another gateway,
    `unknown_id` for one about no message of ours, and `other_gateway` for one about a message that went elsewhere.
    """
    items = [read(item, Receipt, "id") for item in data.items]
    told = [one for one in items if isinstance(one, Receipt)]
    state = request.app.state
    outcomes = await receipt.apply(tx, told, state.gateways, state.door, forged(told, gateway.name))
    return _answered(request, items, outcomes, gateway.name)


@post("/inbound", guards=[signed()], opt={"each": Inbound}, status_code=200, summary="Text messages from people")
async def post_inbound(request: HttpRequest, tx: Tx, gateway: Gateway, data: JSONBody[Items]) -> Results:
    """Takes each reply by itself, once; a result bears the reply's `gateway_id`.

    `code` is `invalid` for what is no hexad.inbound/1, `unknown_gateway` for one that names another gateway, and
    `other_gateway` where this one was not agreed for text messages.
    """
    items = [read(item, Inbound, "gateway_id") for item in data.items]
    told, state = [one for one in items if isinstance(one, Inbound)], request.app.state
    outcomes = await reply.apply(tx, told, state.gateways, state.door, forged(told, gateway.name))
    return _answered(request, items, outcomes, gateway.name)


@post(
    "/bounces",
    guards=[signed()],
    status_code=200,
    responses={202: ResponseSpec(Returned, description="Taken, and it tells by itself what was made of it")},
    summary="An e-mail that came back",
)
async def post_bounce(request: HttpRequest, tx: Tx, gateway: Gateway) -> Response[Returned]:
    """Takes whatever came to the mailbox of bounces as it came, headers and all; a relay need never try again.

    A delivery status notification (RFC 3464, 6533) counts as receipts: 200. A complaint (RFC 5965), a bounce in plain
    words, a wish to unsubscribe: 202, and they have had their effect. So has anything else, which had none.
    """
    content, state = await request.body(), request.app.state
    found = await asyncio.to_thread(bounce.read, content, gateway.name, datetime.now(UTC))  # a large one takes seconds
    outcomes = await receipt.apply(tx, found.receipts, state.gateways, state.door)
    made_of = found.made_of if await _wished(request, tx, found.token) else "other"
    told = _answered(request, found.receipts, outcomes, gateway.name)
    return Answer(Returned(told.results, made_of), status_code=200 if found.notification else 202)


async def _wished(request: HttpRequest, tx: Transaction, token: str) -> bool:
    """Whether the wish of a mail that bears one was ours to fulfil, and is fulfilled; true where there is none."""
    if not token:
        return True
    try:
        wish = unsubscribe.wish(request.app.state.door.fields, token)
    except NotFound:
        return False
    await apply_system(tx, "unsubscribe", request_id(request.scope), kind="company")
    await unsubscribe.end(tx, wish)
    return True


def read(item: msgspec.Raw, kind: type[Told], name: str) -> Told | Result:
    """What an item says, or the result that it says nothing."""
    try:
        return msgspec.json.decode(item, type=kind)
    except UNREADABLE as error:
        return Result(_name_of(item, name), ok=False, code="invalid", detail=str(error)[:200])


def forged(told: Sequence[Receipt | Inbound], gateway: str) -> frozenset[int]:
    """The places of those that name another gateway than the one that signed."""
    return frozenset(place for place, one in enumerate(told) if one.gateway != gateway)


def _name_of(item: msgspec.Raw, name: str) -> str:
    """What an item that is not as it should be calls itself, empty when it does not say."""
    try:
        given = msgspec.json.decode(item)[name]
    except (*UNREADABLE, LookupError, TypeError):
        return ""
    return given[:64] if isinstance(given, str) else ""


def _answered(
    request: HttpRequest, items: Sequence[Receipt | Inbound | Result], outcomes: Sequence[Outcome], gateway: str
) -> Results:
    """A result for every item, in the reader's language."""
    rest, chinese = iter(outcomes), language(request.scope) == "zh"
    results = (one if isinstance(one, Result) else _result(one, next(rest), gateway) for one in items)
    return Results([one if one.ok else _explained(one, chinese) for one in results])


def _result(told: Receipt | Inbound, outcome: Outcome, gateway: str) -> Result:
    id_ = str(told.id) if isinstance(told, Receipt) else told.gateway_id
    if outcome.ok:
        return Result(id_, ok=True)
    code = outcome.code if told.gateway == gateway else "unknown_gateway"
    return Result(id_, ok=False, code=code)


def _explained(result: Result, chinese: bool) -> Result:
    if result.detail is None:
        return msgspec.structs.replace(result, detail=_WHY[result.code or ""][chinese])
    wrong = field_error("", result.detail)
    why = wrong.message_zh if chinese else wrong.message
    return msgspec.structs.replace(result, detail=": ".join(filter(None, (wrong.field, why))))


gateway = Router(
    "", route_handlers=[post_receipts, post_inbound, post_bounce], dependencies=DEPENDENCIES, tags=["Gateways"]
)
