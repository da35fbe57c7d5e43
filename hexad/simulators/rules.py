"""What a simulated SMS gateway answers: pure, so that a test can say what must come back."""

import random
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from mobile_contracts.outbound import Receipt, ReceiptStatus, Sms

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


class Manner(Struct, frozen=True):
    """How the gateway misbehaves: seconds until the last receipt, and shares (0 to 1) doubled and refused."""

    delay: float = 0.0
    duplicate: float = 0.0
    refuse: float = 0.0
    shuffle: bool = False


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
