"""What is to be done with an e-mail that came from the queue, and what an answer of the relay means: pure."""

import re
from datetime import datetime
from typing import Literal

from mobile_contracts.outbound import Email, Receipt, ReceiptStatus
from notifications.gateway.known import MAILER
from workers.smtp.journal import Attempt, Ending

TRIES = 12
"""How often a message is offered to a relay that says "later"; the last time is some seven hours after the first."""

_FIRST_WAIT, _LONGEST_WAIT = 60.0, 3600.0
_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")
_QUEUED = re.compile(r"\bqueued as ([A-Za-z0-9._-]{1,64})", re.IGNORECASE)

Decision = Receipt | Literal["send", "wait"]


def decide(email: Email, known: Attempt | None, now: datetime) -> Decision:
    """The receipt where the answer is known or there is nothing to send any more; else to send it or to wait."""
    if known is not None and known.status is not None and _holds(known, email):
        return receipt(email, _status(known.status), known.code, known.gateway_id, now)
    deferred = known is not None and known.again_at is not None
    if now >= email.expires_at:
        if known is not None and deferred:
            return receipt(email, "undelivered", known.code, "", now)
        return receipt(email, "expired", "EXPIRED", "", now)
    if known is not None and known.again_at is not None and now < known.again_at:
        return "wait"
    return "send"


def ending(email: Email, code: int, message: str, tries: int, *, repeated: bool = False) -> Ending:
    """What the relay's answer means: 2xx accepted, 5xx rejected, 4xx later, or undelivered after the last try."""
    enhanced = _ENHANCED.match(message)
    told = f"{code} {enhanced[1]}" if enhanced else str(code)
    if 200 <= code < 300:
        queued = _QUEUED.search(message)
        return Ending(email.id, "accepted", f"{told} again" if repeated else told, queued[1] if queued else "",
                      repeated=repeated)  # fmt: skip
    if code >= 500:
        return Ending(email.id, "rejected", told)
    if tries >= TRIES:
        return Ending(email.id, "undelivered", told)
    return Ending(email.id, None, told, again_in=min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** (tries - 1)))


def receipt(email: Email, status: ReceiptStatus, code: str, gateway_id: str, now: datetime) -> Receipt:
    """The receipt of our sender; the message's own id stands for a name that the relay did not give."""
    return Receipt(
        id=email.id, gateway=MAILER, gateway_id=gateway_id or str(email.id), status=status, code=code, at=now
    )


def _holds(known: Attempt, email: Email) -> bool:
    """Whether an answer is for good: what could not be delivered may be offered anew under a higher attempt."""
    return known.status != "undelivered" or email.attempt <= known.attempt


def _status(text: str) -> ReceiptStatus:
    known: dict[str, ReceiptStatus] = {"accepted": "accepted", "rejected": "rejected", "undelivered": "undelivered"}
    return known[text]
