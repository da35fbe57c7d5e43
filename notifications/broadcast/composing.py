"""Composing (撰写): what is handed over for one row, or the ending of a row of which nothing can be made.

One row's fault is its own: what cannot be opened or read, or what the contract of the queue would refuse, is that
message's ending, told by its reason, and the rest of the batch goes on. What is composed was read back once: whatever
leaves the house, or is kept to be offered again, its readers can read.
"""

import html
import re
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from kernel.errors import FieldSealed, InvalidInput
from kernel.queues.client import UNREADABLE, written
from kernel.security.crypto import Fields, Place
from kernel.settings import Settings
from mobile_contracts.address import SENDABLE
from mobile_contracts.messaging.outbound import Email, Purpose, Sms
from mobile_contracts.messaging.template import Language
from notifications.channel import mail_headers
from notifications.channel.sms import segments
from notifications.template import limits, rendering
from notifications.template.rendering import Rendered


class Claimed(Struct, frozen=True):
    """A message that is ours to send, and whom to; `content` is there when it was handed over before."""

    id: UUID
    customer_id: int
    attempt: int
    content: bytes | None
    customer_no: str
    name: str
    mobile: bytes | None
    noted_mobile: bytes | None
    email: str | None
    language: Language


class Ending(Struct, frozen=True):
    """What becomes of a message instead of leaving, and why."""

    state: Literal["skipped", "failed"]
    reason: str


UNREADABLE_MESSAGE = Ending("failed", "unreadable")
"""What is sealed in the row, or in its customer's, does not open or is no message."""

_UNSENDABLE = Ending("failed", "unsendable")
_TOO_LONG = Ending("skipped", "too_long")
_BAD_ADDRESS = Ending("skipped", "bad_address")
_NOWHERE = {"sms": Ending("skipped", "no_mobile"), "email": Ending("skipped", "no_email")}
_ADDRESS = re.compile(SENDABLE)


class Occasion(Struct, frozen=True):
    """What all messages of a batch share."""

    broadcast_id: UUID
    purpose: Purpose
    channel: Literal["sms", "email"]
    rendered: dict[Language, Rendered]
    now: datetime
    until: datetime


class Composer:
    """Makes the messages of one batch."""

    def __init__(self, settings: Settings, fields: Fields, occasion: Occasion) -> None:
        self._settings, self._fields, self._occasion = settings, fields, occasion

    def compose(self, row: Claimed) -> bytes | Ending:
        """The message as it leaves, in JSON, or why there is none."""
        try:
            made = self._fresh(row) if row.content is None else self._again(row, row.content)
        except (FieldSealed, *UNREADABLE):
            return UNREADABLE_MESSAGE
        if isinstance(made, Ending):
            return made
        try:
            return written(made)
        except InvalidInput:
            return _UNSENDABLE

    def _fresh(self, row: Claimed) -> Sms | Email | Ending:
        return self._sms(row) if self._occasion.channel == "sms" else self._email(row)

    def _again(self, row: Claimed, content: bytes) -> Sms | Email:
        """The very message that was handed over before, or was about to be: same id, number and text."""
        text = self._fields.open(content, Place("outgoing", "content", str(row.id)))
        before: Sms | Email = msgspec.json.decode(text, type=Sms | Email)
        return msgspec.structs.replace(before, attempt=row.attempt + 1, expires_at=self._occasion.until)

    def _sms(self, row: Claimed) -> Sms | Ending:
        number = self._number(row)
        if number is None:
            return _NOWHERE["sms"]
        one = self._occasion
        (text,) = one.rendered[row.language].of(rendering.one_line(row.name))
        if limits.fault("sms", [text]):
            return _TOO_LONG
        return Sms(
            id=row.id, purpose=one.purpose, to=number, sender=self._settings.sms_sender, text=text,
            segments=segments(text), created_at=one.now, expires_at=one.until, attempt=row.attempt + 1,
        )  # fmt: skip

    def _email(self, row: Claimed) -> Email | Ending:
        if row.email is None:
            return _NOWHERE["email"]
        if not _ADDRESS.match(row.email):
            return _BAD_ADDRESS
        one, name = self._occasion, rendering.one_line(row.name)
        subject, text, _ = one.rendered[row.language].of(name)
        marked_up = one.rendered[row.language].of(html.escape(name))[2]
        if limits.fault("email", [subject, text, marked_up]):
            return _TOO_LONG
        return Email(
            id=row.id, purpose=one.purpose, to=row.email, from_address=self._settings.email_from, reply_to=None,
            subject=subject, text=text, html=marked_up, headers=self._headers(row.customer_id), created_at=one.now,
            expires_at=one.until, attempt=row.attempt + 1,
        )  # fmt: skip

    def _headers(self, customer_id: int) -> dict[str, str]:
        one = self._occasion
        return mail_headers.of(self._settings, self._fields, one.purpose, one.broadcast_id, customer_id)

    def _number(self, row: Claimed) -> str | None:
        if row.mobile is not None:
            return self._fields.open(row.mobile, Place("customer", "mobile", row.customer_no))
        if row.noted_mobile is not None:
            return self._fields.open(row.noted_mobile, Place("contact", "mobile", row.customer_no))
        return None
