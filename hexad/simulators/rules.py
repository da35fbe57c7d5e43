"""What a simulated SMS gateway answers: pure, so that a test can say what must come back."""

import random
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from kernel.errors import Misconfigured
from kernel.settings import words
from mobile_contracts.messaging.outbound import Receipt, ReceiptStatus, Sms

GATEWAY = "simulator-1"
MAGIC: dict[str, ReceiptStatus] = {"0001": "undelivered", "0002": "rejected", "0003": "expired"}
"""How a message ends by the last digits of its number; any other is delivered."""

_CODES: dict[ReceiptStatus, str] = {
    "accepted": "ACCEPTD",
    "delivered": "DELIVRD",
    "undelivered": "UNDELIV",
    "rejected": "REJECTD",
    "expired": "EXPIRED",
}


Share = Annotated[float, Meta(ge=0, le=1)]


class Manner(Struct, frozen=True, forbid_unknown_fields=True):
    """How a gateway misbehaves: seconds until the last receipt or the answer, and shares (0 to 1) of messages.

    `duplicate` and `shuffle` are about receipts of text messages; `later` (451) and `hang_up` (421) about e-mail.
    """

    delay: Annotated[float, Meta(ge=0, le=3600)] = 0.0
    duplicate: Share = 0.0
    refuse: Share = 0.0
    shuffle: bool = False
    later: Share = 0.0
    hang_up: Share = 0.0


def manner(text: str, **options: float | bool | None) -> Manner:
    """The manner of a setting such as `delay=2,refuse=0.1,shuffle`, unless an option says otherwise.

    Raises `Misconfigured` for what is no manner.
    """
    pairs = (word.partition("=") for word in words(text))
    given: dict[str, Any] = {name: value if equals else "true" for name, equals, value in pairs}
    given |= {name: value for name, value in options.items() if value is not None}
    try:
        return msgspec.convert(given, Manner, strict=False)
    except msgspec.ValidationError as error:
        raise Misconfigured(f"{text!r} is no manner of a simulator: {error}") from error


def answers(sms: Sms, now: datetime, manner: Manner) -> list[Receipt]:
    """The receipts of one message in the order in which they are sent; the same for a repeated id."""
    chance = random.Random(sms.id.int)  # noqa: S311  # a coin for a simulator, the same for the same message
    statuses = _statuses(sms, now, refused=chance.random() < manner.refuse)
    receipts = [
        _receipt(sms.id, status, now + timedelta(seconds=place * manner.delay)) for place, status in enumerate(statuses)
    ]
    doubled = [receipt for receipt in receipts for _ in range(1 + (chance.random() < manner.duplicate))]
    return chance.sample(doubled, len(doubled)) if manner.shuffle else doubled


def _statuses(sms: Sms, now: datetime, *, refused: bool) -> list[ReceiptStatus]:
    if now >= sms.expires_at:
        return ["expired"]  # a gateway must not send any more
    end = MAGIC.get(sms.to[-4:], "delivered")
    if refused or end == "rejected":
        return ["rejected"]
    return ["accepted", end]


def _receipt(sms_id: UUID, status: ReceiptStatus, at: datetime) -> Receipt:
    return Receipt(id=sms_id, gateway=GATEWAY, gateway_id=sms_id.hex[-16:], status=status, code=_CODES[status], at=at)
