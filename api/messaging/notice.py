"""Notices: what one was told inside the app, read and ticked off by oneself alone."""

from datetime import UTC
from typing import Annotated
from uuid import UUID

from litestar import Router, put
from litestar.params import JSONBody, PathParameter, QueryParameter

from api.edge.dependencies import PageQuery, Tx, Who
from api.edge.headers import language
from api.edge.identify import may
from api.edge.reading import get
from api.edge.request import HttpRequest
from mobile_contracts.base import Page
from mobile_contracts.messaging.notice import Notice, ReadUpTo, Unread
from notifications.inbox import notice
from notifications.inbox.notice import NoticeCursor

NoticeId = Annotated[UUID, PathParameter(description="id of the notice")]
OnlyUnread = Annotated[bool, QueryParameter(name="unread", description="those not read yet alone")]


@get("/notices", guards=[may("self.read")], summary="One's notices")
async def list_notices(
    tx: Tx, who: Who, request: HttpRequest, page: PageQuery, unread: OnlyUnread = False
) -> Page[Notice]:
    """The newest first, by when they were given; what the house tells by itself in the language of Accept-Language."""
    after = page.after(NoticeCursor) or NoticeCursor()
    notices = await notice.list_own(tx, who.principal, after, page.limit + 1, language(request.scope), unread=unread)
    return page.of(notices, cursor=lambda one: NoticeCursor(one.id, one.at.astimezone(UTC)))


@get("/notices/unread", guards=[may("self.read")], summary="How many notices wait")
async def count_unread(tx: Tx, who: Who) -> Unread:
    """A number for the badge of the app."""
    return Unread(await notice.count_unread(tx, who.principal))


@put("/notices/read", guards=[may("self.change")], status_code=204, summary="Tick off notices up to one")
async def mark_read_up_to(tx: Tx, who: Who, data: JSONBody[ReadUpTo]) -> None:
    """This one and all that were given before it; repeating it is safe."""
    await notice.mark_read_up_to(tx, who.principal, data.last)


@put("/notices/{notice_id:uuid}/read", guards=[may("self.change")], summary="Tick off a notice")
async def mark_read(tx: Tx, who: Who, request: HttpRequest, notice_id: NoticeId) -> Notice:
    """It keeps the time at which it was first read."""
    return await notice.mark_read(tx, who.principal, notice_id, language(request.scope))


_OWN = [list_notices, count_unread, mark_read_up_to, mark_read]
staff = Router("", route_handlers=_OWN, tags=["Notices"])
investor = Router("", route_handlers=_OWN, tags=["Notices"])
