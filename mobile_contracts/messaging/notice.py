"""A notice (站内信): what somebody is told inside the app."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from mobile_contracts.base import Answer, Input


class Notice(Answer, frozen=True):
    """`kind` says what it is about, `link` leads there within the app; null `read_at` is unread."""

    id: UUID
    kind: str
    title: str
    body: str
    link: str | None
    at: datetime
    read_at: datetime | None


class Unread(Answer, frozen=True):
    """How many notices one has not read."""

    unread: Annotated[int, Meta(ge=0)]


class ReadUpTo(Input, frozen=True):
    """The newest notice that was seen: it and all older ones are read."""

    last: UUID
