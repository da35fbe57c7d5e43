"""The audit log for administrators and compliance; who searches it is written into it."""

from datetime import datetime
from typing import Annotated

from litestar import Router, get
from litestar.params import QueryParameter

from api.edge.dependencies import Tx
from api.edge.identify import may
from api.edge.page import After, Limit, PageQuery
from kernel.audit import search
from kernel.audit.search import AuditCursor, Wanted
from mobile_contracts.base import Page
from mobile_contracts.operations.audit import AuditLine

Principal = Annotated[str | None, QueryParameter(name="principal", max_length=100, description="such as staff:10086")]
Noun = Annotated[str | None, QueryParameter(name="noun", max_length=60, description="kind of thing, such as customer")]
NounId = Annotated[str | None, QueryParameter(name="noun_id", max_length=200, description="the thing; needs `noun`")]
Action = Annotated[str | None, QueryParameter(name="action", max_length=60, description="what was done")]
Since = Annotated[
    datetime | None, QueryParameter(name="from", description="with offset; 31 days before `to` when left out")
]
Until = Annotated[
    datetime | None, QueryParameter(name="to", description="with offset, not included; now when left out")
]


@get("/audit", guards=[may("audit.read")], summary="Search the audit log")
async def search_audit(
    tx: Tx,
    limit: Limit = 20,
    cursor: After = None,
    principal: Principal = None,
    noun: Noun = None,
    noun_id: NounId = None,
    action: Action = None,
    since: Since = None,
    until: Until = None,
) -> Page[AuditLine]:
    """The newest first, of 366 days at most; personal data is hidden. The search itself becomes a line of the log."""
    page = PageQuery(limit, cursor)
    wanted = Wanted(principal=principal, noun=noun, noun_id=noun_id, action=action, since=since, until=until)
    lines = await search.search(tx, wanted, page.after(AuditCursor), page.limit + 1)
    return page.of(lines, lambda one: AuditCursor(one.at, one.id))


staff = Router("", route_handlers=[search_audit], tags=["Audit"])
