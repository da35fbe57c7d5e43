"""Sync for phones: what changed since the cursor, with tombstones; a cursor too old is told, not guessed."""

from typing import Annotated

from litestar import Router, get
from litestar.params import QueryParameter

from api.edge.identify import may
from api.given import Tx, Who
from api.page import decoded, encoded
from centers.customer import sync
from centers.customer.sync import SyncCursor
from mobile_contracts.customer import CustomerChanges

Cursor = Annotated[
    str | None, QueryParameter(max_length=512, description="`cursor` of the answer before; none to begin afresh")
]
Limit = Annotated[int, QueryParameter(ge=1, le=200, description="customers at once")]


@get("/sync", guards=[may("customer.read")], summary="What changed since")
async def read_changes(tx: Tx, who: Who, cursor: Cursor = None, limit: Limit = 200) -> CustomerChanges:
    """The customers in one's scope: first all of them, later what changed and what one does not see any more."""
    known = None if cursor is None else decoded(cursor, SyncCursor)
    found = await sync.changes(tx, who, known, limit)
    if found is None:
        return CustomerChanges([], [], "", more=True, resync=True)
    return CustomerChanges(found.changed, found.gone, encoded(found.cursor), more=found.more)


staff = Router("", route_handlers=[read_changes], tags=["Sync"])
