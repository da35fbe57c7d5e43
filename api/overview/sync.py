"""Sync for phones: what changed since the cursor, with tombstones; a cursor too old is told, not guessed."""

from typing import Annotated, TypeVar

from litestar import Router
from litestar.params import QueryParameter

from api.edge.dependencies import Tx, Who
from api.edge.identify import may
from api.edge.page import CURSOR_AT_MOST, decoded, encoded
from api.edge.reading import get
from api.edge.request import HttpRequest
from centers.customer import contact, customer, sync
from centers.customer.sync import OwnCursor, SyncCursor
from identity import device
from kernel.store import cursor as kept
from mobile_contracts.customer.customer import CustomerChanges, OwnChanges

Kind = TypeVar("Kind", bound=kept.Cursor)

Cursor = Annotated[
    str | None,
    QueryParameter(
        max_length=CURSOR_AT_MOST, description="that of the answer before; none or an empty one begins afresh"
    ),
]
Limit = Annotated[int, QueryParameter(ge=1, le=200, description="customers at once")]


@get("/sync", guards=[may("customer.read")], summary="What changed since")
async def read_changes(
    request: HttpRequest, tx: Tx, who: Who, cursor: Cursor = None, limit: Limit = 200
) -> CustomerChanges:
    """The customers in one's scope: first all of them, later what changed and what one does not see any more."""
    epoch, known = _read(cursor, SyncCursor)
    found = await sync.changes(tx, who, known, limit)
    if found is None or _of_another_life(request, epoch, known):
        return CustomerChanges([], [], "", more=True, resync=True)
    return CustomerChanges(found.changed, found.gone, _told(request, found.cursor), more=found.more)


@get("/sync", guards=[may("self.read")], summary="What changed of one's own data since")
async def read_own_changes(request: HttpRequest, tx: Tx, who: Who, cursor: Cursor = None) -> OwnChanges:
    """First everything, later the parts that changed, each whole."""
    epoch, known = _read(cursor, OwnCursor)
    found = await sync.own_changes(tx, who, known)
    if found is None or _of_another_life(request, epoch, known):
        return OwnChanges(None, None, None, None, None, "", resync=True)
    part, now = found
    no, principal = who.principal.subject, who.principal
    devices = known is None or await device.changed(tx, principal, known.since)
    return OwnChanges(
        customer=await customer.find(tx, who, no) if part.customer else None,
        accounts=await customer.list_accounts(tx, who, no) if part.accounts else None,
        contact=await contact.find_contact(tx, who, no) if part.contact else None,
        preferences=await contact.find_preference(tx, who, no) if part.preference else None,
        devices=await device.list_own(tx, principal) if devices else None,
        cursor=_told(request, now),
    )


def _read(cursor: str | None, kind: type[Kind]) -> tuple[str, Kind | None]:
    """The epoch of the database in which the cursor was given, and what it says; both empty without one."""
    if not cursor:
        return "", None
    epoch, _, told = cursor.rpartition(".")
    return epoch, decoded(told, kind)


def _of_another_life(request: HttpRequest, epoch: str, known: object) -> bool:
    """Whether the database was put back since: it has forgotten what the phone holds, so the phone begins afresh."""
    return known is not None and epoch != request.app.state.database.lineage.epoch


def _told(request: HttpRequest, cursor: kept.Cursor) -> str:
    return f"{request.app.state.database.lineage.epoch}.{encoded(cursor)}"


staff = Router("", route_handlers=[read_changes], tags=["Sync"])
investor = Router("", route_handlers=[read_own_changes], tags=["Sync"])
