"""Sync for phones: what changed since the cursor, with tombstones; a cursor too old is told, not guessed."""

from typing import Annotated

from litestar import Router
from litestar.params import QueryParameter

from api.edge.identify import may
from api.edge.reading import get
from api.given import Tx, Who
from api.page import decoded, encoded
from centers.customer import contact, queries, sync
from centers.customer.sync import OwnCursor, SyncCursor
from mobile_contracts.customer import CustomerChanges, OwnChanges
from notifications import device

Cursor = Annotated[
    str | None,
    QueryParameter(max_length=512, description="that of the answer before; none or an empty one begins afresh"),
]
Limit = Annotated[int, QueryParameter(ge=1, le=200, description="customers at once")]


@get("/sync", guards=[may("customer.read")], summary="What changed since")
async def read_changes(tx: Tx, who: Who, cursor: Cursor = None, limit: Limit = 200) -> CustomerChanges:
    """The customers in one's scope: first all of them, later what changed and what one does not see any more."""
    known = decoded(cursor, SyncCursor) if cursor else None
    found = await sync.changes(tx, who, known, limit)
    if found is None:
        return CustomerChanges([], [], "", more=True, resync=True)
    return CustomerChanges(found.changed, found.gone, encoded(found.cursor), more=found.more)


@get("/sync", guards=[may("self.read")], summary="What changed of one's own data since")
async def read_own_changes(tx: Tx, who: Who, cursor: Cursor = None) -> OwnChanges:
    """First everything, later the parts that changed, each whole."""
    known = decoded(cursor, OwnCursor) if cursor else None
    found = await sync.own_changes(tx, who, known)
    if found is None:
        return OwnChanges(None, None, None, None, None, "", resync=True)
    part, now = found
    no, principal = who.principal.subject, who.principal
    devices = known is None or await device.changed(tx, principal, known.since)
    return OwnChanges(
        customer=await queries.find(tx, who, no) if part.customer else None,
        accounts=await queries.list_accounts(tx, who, no) if part.accounts else None,
        contact=await contact.find_contact(tx, who, no) if part.contact else None,
        preferences=await contact.find_preference(tx, who, no) if part.preference else None,
        devices=await device.list_own(tx, principal) if devices else None,
        cursor=encoded(now),
    )


staff = Router("", route_handlers=[read_changes], tags=["Sync"])
investor = Router("", route_handlers=[read_own_changes], tags=["Sync"])
