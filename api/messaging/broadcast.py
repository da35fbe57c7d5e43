"""Broadcasts: a broker's care for customers of their own, the head office's word to branches, and how far they are."""

from typing import Annotated, Literal
from uuid import UUID

from litestar import Router, post
from litestar.params import JSONBody, PathParameter, QueryParameter

from api.edge.answer import Answer, versioned
from api.edge.dependencies import PageQuery, Tx, Who
from api.edge.identify import may
from api.edge.reading import get
from api.edge.request import HttpRequest
from kernel.store.database import Tx as Transaction
from mobile_contracts.base import Page
from mobile_contracts.messaging.broadcast import (
    BroadcastLine,
    BroadcastWanted,
    CareWanted,
    MessageState,
    OutgoingMessage,
    Progress,
)
from notifications.broadcast import broadcast
from notifications.broadcast.broadcast import BroadcastCursor, MessageCursor, Wanted

BroadcastId = Annotated[UUID, PathParameter(description="id of the broadcast")]
Verb = Annotated[Literal["pause", "resume", "cancel"], PathParameter(description="what to do with it")]
InState = Annotated[MessageState | None, QueryParameter(name="state", description="only of this state")]


@post(
    "/care-messages", guards=[may("broadcast.care")], opt={"once": True}, status_code=202, summary="Send a care message"
)
async def send_care(tx: Tx, who: Who, data: JSONBody[CareWanted]) -> BroadcastLine:
    """To chosen customers of one's own; 404 when one of them is not. Whoever opted out is skipped, and shown."""
    return await _start(
        tx,
        Wanted(
            kind="care", template=data.template, purpose="service", channels=tuple(data.channels), values=data.values,
            customer_ids=await broadcast.customer_ids(tx, data.customer_nos), by=who.principal.name,
        ),
    )  # fmt: skip


@post(
    "/broadcasts",
    guards=[may("broadcast.start")],
    opt={"once": True},
    status_code=202,
    summary="Write to all customers of branches",
)
async def start_broadcast(tx: Tx, who: Who, data: JSONBody[BroadcastWanted]) -> BroadcastLine:
    """Those who are not closed, of merged branches too; marketing reaches those alone who agreed to it.

    404 when one of the branches is out of one's reach.
    """
    purpose = (await broadcast.template_line(tx, data.template)).purpose
    branch_ids = await broadcast.branch_ids(tx, data.branch_codes, who.reach)
    return await _start(
        tx,
        Wanted(
            kind="announcement", template=data.template, purpose=purpose, channels=tuple(data.channels),
            values=data.values, customer_ids=(), branch_ids=branch_ids,
            by=who.principal.name, not_before=data.not_before, expires_at=data.expires_at,
        ),
    )  # fmt: skip


@get("/broadcasts", guards=[may("broadcast.read")], summary="Broadcasts")
async def list_broadcasts(tx: Tx, page: PageQuery) -> Page[BroadcastLine]:
    """One's own, for whoever reaches the whole company all of them; the newest first."""
    lines = await broadcast.list_some(tx, page.after(BroadcastCursor) or BroadcastCursor(), page.limit + 1)
    return page.of(lines, cursor=lambda line: BroadcastCursor(line.id))


@get("/broadcasts/{broadcast_id:uuid}", guards=[may("broadcast.read")], summary="How far a broadcast is")
async def read_broadcast(request: HttpRequest, tx: Tx, broadcast_id: BroadcastId) -> Progress:
    """Messages by state, whose sum is the total at every moment, with rate and time left, or what it waits for."""
    return await broadcast.progress(tx, broadcast_id, request.app.state.settings)


@get("/broadcasts/{broadcast_id:uuid}/messages", guards=[may("broadcast.read")], summary="The messages of a broadcast")
async def list_messages(
    tx: Tx, page: PageQuery, broadcast_id: BroadcastId, in_state: InState = None
) -> Page[OutgoingMessage]:
    """Those to customers in one's scope, each with its state and the reason why it was skipped or failed."""
    after = page.after(MessageCursor) or MessageCursor()
    messages = await broadcast.list_messages(tx, broadcast_id, in_state, after, page.limit + 1)
    return page.of(messages, cursor=lambda one: MessageCursor(one.id))


@post(
    "/broadcasts/{broadcast_id:uuid}/{verb:str}",
    guards=[may("broadcast.change")],
    opt={"once": True},
    status_code=200,
    summary="Pause, resume or cancel a broadcast",
)
async def change_broadcast(tx: Tx, broadcast_id: BroadcastId, verb: Verb) -> Answer[BroadcastLine]:
    """What was handed over already cannot be called back; what waits stops at once."""
    after = await broadcast.change(tx, broadcast_id, verb)
    return versioned(after, after.version)


async def _start(tx: Transaction, wanted: Wanted) -> BroadcastLine:
    return await broadcast.find(tx, await broadcast.start(tx, wanted))


staff = Router(
    "",
    route_handlers=[send_care, start_broadcast, list_broadcasts, read_broadcast, list_messages, change_broadcast],
    tags=["Broadcasts"],
)
