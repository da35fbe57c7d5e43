"""Paging by keyset: an opaque cursor names the last item seen, so that pages neither skip nor repeat."""

import base64
import binascii
from collections.abc import Callable
from typing import Annotated, TypeVar

import msgspec
from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation

from kernel.errors import CursorInvalid
from kernel.store import cursor as kept
from kernel.store.database import Tx
from mobile_contracts.base import Page

Cursor = TypeVar("Cursor", bound=kept.Cursor)
Item = TypeVar("Item")
CURSOR_AT_MOST = 4096
"""A cursor holds the last item's key, which may be a name of characters that take 6 letters each."""


class PageQuery(msgspec.Struct, frozen=True):
    """Which part of a list is asked for: at most `limit` items after `cursor`."""

    limit: int
    cursor: str | None

    def after(self, kind: type[Cursor]) -> Cursor | None:
        """Where the page before ended, null for the first; raises `CursorInvalid` for text that we did not make."""
        return None if self.cursor is None else decoded(self.cursor, kind)

    def of(self, items: list[Item], cursor: Callable[[Item], msgspec.Struct]) -> Page[Item]:
        """The page from `limit + 1` items fetched: the one too many only tells that there is more."""
        if len(items) <= self.limit:
            return Page(items)
        shown = items[: self.limit]
        return Page(shown, encoded(cursor(shown[-1])))


def encoded(cursor: msgspec.Struct) -> str:
    """The cursor as clients carry it."""
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).rstrip(b"=").decode()


def decoded(text: str, kind: type[Cursor]) -> Cursor:
    """The cursor in a text; raises `CursorInvalid` for one that we did not make."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        found = msgspec.json.decode(base64.b64decode(padded, altchars=b"-_", validate=True), type=kind)
    except (ValueError, binascii.Error, RecursionError) as error:
        raise CursorInvalid from error
    if encoded(found) != text:
        raise CursorInvalid
    return found


Limit = Annotated[int, QueryParameter(name="limit", ge=1, le=200, description="items per page")]
After = Annotated[
    str | None, QueryParameter(name="cursor", max_length=CURSOR_AT_MOST, description="`next` of the page before")
]


def provide_page(
    tx: NamedDependency[SkipValidation[Tx]],  # first: two dependencies beside one another cost a group of tasks
    limit: Limit = 20,
    cursor: After = None,
) -> PageQuery:
    """The page that the query string asks for; only beside `Reads`.

    Litestar does not end what a dependency has begun when another one raises: a route in a transaction takes `Limit`
    and `After` itself.
    """
    return PageQuery(limit, cursor)
