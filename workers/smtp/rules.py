"""What is to be done with an e-mail that came from the queue, and what an answer of the relay means: pure."""

import re
from datetime import datetime
from typing import Literal

from msgspec import Struct

from kernel.text import redaction
from mobile_contracts.messaging.outbound import Email, Receipt, ReceiptStatus
from notifications.gateway import meaning
from notifications.gateway.known import MAILER
from workers.smtp.journal import Attempt, Ending

TRIES = 12
"""How often a message is offered to a relay that says "later"; the last time is some seven hours after the first."""

_LONGEST_WAIT = 3600.0
_SOON = 5.0
_WORDS = 200
_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")
_QUEUED = re.compile(r"\bqueued as ([A-Za-z0-9._-]{1,64})", re.IGNORECASE)
_IN_BRACKETS = re.compile(r"<[^<>]*>?")
_SIGN_IN = (503, 530, 534, 535, 538)
_OF_US = re.compile(r"[45]\.(1\.[78]|5\.[124]|7\.8)")
_OF_US_IN_WORDS = re.compile(
    r"\b(Helo command|Client host|Sender address) rejected\b|\bClient host\b.{0,80}\bblocked\b"
    r"|\brelay(ing)?( access)? (is )?(denied|not (permitted|allowed))\b"
    r"|\b(unable|not (permitted|allowed|authori[sz]ed)) to relay\b",
    re.IGNORECASE | re.DOTALL,
)

Stage = Literal["MAIL", "RCPT", "DATA"]
Decision = Receipt | Literal["send"] | float


class Answer(Struct, frozen=True):
    """What the relay answered at which command; `lost` when it never did, though it may have heard of the content."""

    code: int
    message: str
    stage: Stage
    lost: bool = False


OUR_ERROR = Answer(451, "4.3.0 our own error", "DATA", lost=True)
"""What stands for an answer when we failed ourselves: it is tried again, some hours long."""


def decide(email: Email, known: Attempt | None, now: datetime) -> Decision:
    """The receipt where the answer is known or nothing is to be sent any more; else to send it, or the seconds to wait.

    What was put off by the relay until it expired could not be delivered; what it never judged has expired.
    """
    if known is not None and known.status is not None and _holds(known, email):
        return receipt(email, _status(known.status), known.code, known.gateway_id, now)
    if now >= email.expires_at:
        if known is not None and known.again_at is not None and known.code:
            return receipt(email, "undelivered", known.code, "", now)
        return receipt(email, "expired", "EXPIRED", "", now)
    if known is not None and known.again_at is not None and now < known.again_at:
        return (known.again_at - now).total_seconds()
    return "send"


def ending(email: Email, answer: Answer, tries: int, first_wait: float, *, repeated: bool = False) -> Ending:
    """What the relay's answer means: 2xx accepted, 5xx rejected, 4xx later, or undelivered after the last try.

    What it says of us decides nothing about the message, which is offered again until it expires.
    """
    code, told = answer.code, _told(answer)
    if of_us(answer):
        return put_off(email, tries)
    if 200 <= code < 300:
        queued = _QUEUED.search(answer.message)
        return Ending(email.id, "accepted", f"{told} again" if repeated else told, queued[1] if queued else "",
                      repeated=repeated)  # fmt: skip
    if code >= 500:
        return Ending(email.id, "rejected", told)
    if tries >= TRIES:
        return Ending(email.id, "undelivered", told, answered=not answer.lost)
    again_in = min(_LONGEST_WAIT, first_wait * 2.0 ** (tries - 1))
    return Ending(email.id, None, told, again_in=again_in, answered=not answer.lost)


def put_off(email: Email, tries: int, *, begun: bool = True) -> Ending:
    """It is offered again soon, for the relay has not judged it."""
    again_in = min(_LONGEST_WAIT, _SOON * 2.0 ** min(max(tries - 1, 0), 16))
    return Ending(email.id, None, "", again_in=again_in, answered=begun)


def of_us(answer: Answer) -> bool:
    """Whether an answer is about us (name, host, sender, sign-in), not about the message or whom it goes to.

    At MAIL nothing is known of them yet, so whatever is refused there is. Relays that judge us only at RCPT say so by
    status or in words.
    """
    if answer.code < 400 or answer.lost:
        return False
    if answer.stage == "MAIL" or answer.code in _SIGN_IN:
        return True
    enhanced = _ENHANCED.match(answer.message)
    return bool(enhanced and _OF_US.fullmatch(enhanced[1])) or bool(_OF_US_IN_WORDS.search(answer.message))


def words(code: int, message: str) -> str:
    """The relay's own words for operators: in one line, cut, without addresses."""
    said = " ".join(_IN_BRACKETS.sub("<…>", message).split())
    return f"{code} {redaction.text(said)}"[:_WORDS].strip()


def receipt(email: Email, status: ReceiptStatus, code: str, gateway_id: str, now: datetime) -> Receipt:
    """The receipt of our sender; the message's own id stands for a name that the relay did not give."""
    return Receipt(
        id=email.id, gateway=MAILER, gateway_id=gateway_id or str(email.id), status=status, code=code, at=now
    )


def _told(answer: Answer) -> str:
    """Code and status; of an address a relay speaks at RCPT alone, so a status that it gives later is not repeated."""
    enhanced = _ENHANCED.match(answer.message)
    if answer.code < 500:
        return f"{answer.code} {enhanced[1]}" if enhanced else str(answer.code)
    status = meaning.status(enhanced[1] if enhanced else "", answer.message)
    if answer.stage != "RCPT" and status.startswith("5.1."):
        return f"{answer.code} at {answer.stage}"
    return f"{answer.code} {status}".strip()


def _holds(known: Attempt, email: Email) -> bool:
    """Whether an answer is for good: what could not be delivered may be offered anew under a higher attempt."""
    return known.status != "undelivered" or email.attempt <= known.attempt


def _status(text: str) -> ReceiptStatus:
    known: dict[str, ReceiptStatus] = {"accepted": "accepted", "rejected": "rejected", "undelivered": "undelivered"}
    return known[text]
