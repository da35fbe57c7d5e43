"""Mail that came back (退信), read for what it tells: receipts of messages of ours, a complaint, a wish, or nothing.

Delivery status notifications (RFC 3464, 6533), complaints (RFC 5965), and the bounces in plain words of qmail, QQ and
others. Whatever else comes to that mailbox is named and nothing is made of it: a relay need not try again.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from email import message_from_bytes, policy
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from mobile_contracts.messaging.gateway import MadeOf
from mobile_contracts.messaging.outbound import Receipt, ReceiptStatus
from notifications.consent.unsubscribe import SUBJECT
from notifications.gateway import meaning

_ENDS: dict[str, ReceiptStatus] = {"failed": "undelivered", "delivered": "delivered"}
"""What an action means; any other, such as `delayed`, `relayed` or `expanded`, decides nothing yet."""

_COMPLAINTS = ("abuse", "fraud", "opt-out", "opt-out-list")
_STATUS = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_PARTS_AT_MOST = 50
_TEXT_AT_MOST = 20_000
_SUBJECT_AT_MOST = 4000
"""More than a token of ours takes, however it is encoded; the library's decoder takes the square of the length."""

_WHOLE = re.compile(
    rb"^(content-type:\s*)message/(?:global-)?(delivery-status|feedback-report|disposition-notification|rfc822-headers"
    rb"|rfc822|headers|global)(?![\w-])",
    re.IGNORECASE | re.MULTILINE,
)
"""Parts that the library would take apart by itself, wrongly where they are encoded."""

_RETURNED = re.compile(r"(text|application)/(x-)?(rfc822-headers|rfc822|global-headers|headers|global)")
_DAEMON = re.compile(r"\b(mailer-daemon|mail-daemon|postmaster|mailerdaemon)@", re.IGNORECASE)
_QMAIL = re.compile(r"\s*Hi\. This is the \S+ (program )?at ", re.IGNORECASE)
_NO_WORDS = re.compile(r"\W*")
_COPY, _COPY_BEHIND_DASHES = ("原始邮件", "原邮件", "邮件副本"), ("copy", "original", "below")
"""What a line says before the copy of a mail that came back."""

_LATER = re.compile(
    r"\b(will (be )?retr|still (trying|being)|delayed|not need to resend)|将继续尝试|继续重试", re.IGNORECASE
)
_REFUSED = re.compile(
    r"(?<![\d.])5\d\d(?![\d.])|#5\.\d|退信|无法(投递|送达)|could not be delivered|undeliverable", re.IGNORECASE
)
_AWAY = re.compile(r"out of (the )?office|auto(matic)?[- ]?repl|自动回复|自动答复|不在办公室", re.IGNORECASE)


class Returned(Struct, frozen=True):
    """What was made of a mail, the receipts that it comes to, and the token by which somebody wants no more of them.

    A `notification` is one of RFC 3464 about a message that could be ours.
    """

    made_of: MadeOf
    receipts: list[Receipt] = []
    token: str = ""
    notification: bool = False


def read(content: bytes, gateway: str, at: datetime) -> Returned:
    """What a mail tells; of the person whom it is about nothing is kept."""
    try:
        parts = list(_parts(message_from_bytes(_WHOLE.sub(rb"\1application/x-\2", content), policy=policy.compat32)))
    except RecursionError:  # a mail in a mail in a mail
        return Returned("other")
    about, head = _about(parts), parts[0]
    if reports := [part for part in parts if part.get_content_type() == "application/x-delivery-status"]:
        ends = [end for report in reports for block in _blocks(report) if (end := _end(block))]
        return replace(_returned(about, ends, gateway, at), notification=True) if about else Returned("other")
    if reports := [part for part in parts if part.get_content_type() == "application/x-feedback-report"]:
        return _complaint(about, reports, gateway, at)
    if any(part.get_content_type() == "application/x-disposition-notification" for part in parts):
        return Returned("read_receipt")
    if wish := SUBJECT.fullmatch(_subject(head)):
        return Returned("unsubscribe", token=wish[1])
    return _in_words(parts, about, gateway, at)


def _returned(about: UUID, ends: list[tuple[ReceiptStatus, str]], gateway: str, at: datetime) -> Returned:
    """A receipt for each end; without one the notification only says "later"."""
    receipts = [
        Receipt(id=about, gateway=gateway, gateway_id=str(about), status=status, code=code, at=at)
        for status, code in dict.fromkeys(ends)
    ]
    if any(one.status == "undelivered" for one in receipts):
        return Returned("bounce", receipts)
    return Returned("delivery" if receipts else "delay", receipts)


def _complaint(about: UUID | None, reports: list[Message], gateway: str, at: datetime) -> Returned:
    """Somebody who calls a message junk has it: it was delivered, and nothing more goes there."""
    kinds = {str(block.get("Feedback-Type", "")).strip().lower() for one in reports for block in _blocks(one)}
    if about is None or not kinds.intersection(_COMPLAINTS):
        return Returned("other")
    return Returned("complaint", _returned(about, [("delivered", "COMPLAINT")], gateway, at).receipts)


def _in_words(parts: list[Message], about: UUID | None, gateway: str, at: datetime) -> Returned:
    """A bounce that was written for people; only a mail system is believed, and only about a message of ours."""
    texts = (_text(part) for part in parts if part.get_content_maintype() == "text")
    head, said = parts[0], "\n".join(texts)[:_TEXT_AT_MOST]
    own, qmail = _own_words(said), bool(_QMAIL.match(said))
    if (qmail or _DAEMON.search(str(head.get("From", "")))) and not _AWAY.search(_subject(head)):
        about = about or _named([line for line in said.splitlines() if line.lower().startswith("message-id:")])
        status = meaning.status("", own)
        refused = qmail or status.startswith("5.") or bool(_REFUSED.search(own))
        if about is None:
            return Returned("other")
        if _LATER.search(own) or not refused:
            return Returned("delay")
        return _returned(about, [("undelivered", status if status.startswith("5.") else "")], gateway, at)
    by_itself = str(head.get("Auto-Submitted", "no")).strip().lower() not in ("no", "")
    if by_itself or head.get("X-Autoreply") or head.get("X-Autorespond") or _AWAY.search(_subject(head)):
        return Returned("auto_reply")
    return Returned("other")


def _own_words(said: str) -> str:
    """What stands before the copy of the mail."""
    lines = said.split("\n")
    copy = next((number for number, line in enumerate(lines) if _begins_copy(line.lower())), len(lines))
    return "\n".join(lines[:copy])


def _begins_copy(line: str) -> bool:
    dashes = _NO_WORDS.match(line)
    behind = dashes is not None and "--" in dashes[0] and any(one in line for one in _COPY_BEHIND_DASHES)
    return behind or any(one in line for one in _COPY)


def _parts(message: Message) -> Iterator[Message]:
    for number, part in enumerate(message.walk()):
        if number >= _PARTS_AT_MOST:
            return
        yield part


def _blocks(report: Message) -> list[Message]:
    """The blocks of fields in a report: the first is about the message, each other about a recipient."""
    blocks = re.split(r"\n[ \t]*\n", _text(report).replace("\r\n", "\n").strip("\n"))
    return [message_from_bytes(block.encode(), policy=policy.compat32) for block in blocks]


def _end(block: Message) -> tuple[ReceiptStatus, str] | None:
    status = _ENDS.get(str(block.get("Action", "")).strip().partition(" ")[0].lower())
    if status is None:
        return None
    given = _STATUS.match(str(block.get("Status", "")))
    code = given[1] if given else ""
    return status, code if status == "delivered" else meaning.status(code, str(block.get("Diagnostic-Code", "")))


def _about(parts: list[Message]) -> UUID | None:
    """The id of our message: in the envelope's id, in the headers that came back, or in what it refers to."""
    kinds = {part: part.get_content_type() for part in parts}
    reports = [part for part, kind in kinds.items() if kind == "application/x-delivery-status"]
    returned = [part for part, kind in kinds.items() if _RETURNED.fullmatch(kind)]
    named = [str(block.get("Original-Envelope-Id", "")) for report in reports for block in _blocks(report)]
    named += [str(part.get("Message-ID", "")) for part in parts[1:]]
    named += [line for part in returned for line in _head_of(part) if line.lower().startswith("message-id:")]
    named += [str(parts[0].get(name, "")) for name in ("In-Reply-To", "References")]
    return _named(named)


def _named(texts: list[str]) -> UUID | None:
    found = (match[0] for text in texts if (match := _UUID.search(text)))
    return next((UUID(one) for one in found), None)


def _head_of(part: Message) -> list[str]:
    text = _text(part).replace("\r\n", "\n").lstrip("\n").partition("\n\n")[0]
    return re.sub(r"\n[ \t]+", " ", text).splitlines()


def _text(part: Message) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    cut = content[:_TEXT_AT_MOST]
    try:
        text = cut.decode(part.get_content_charset("utf-8"), errors="replace")
    except (LookupError, ValueError):  # nobody knows the character set, or it replaces nothing
        return cut.decode(errors="replace")
    return text.encode(errors="replace").decode()  # some give halves of surrogate pairs


def _subject(message: Message) -> str:
    given = str(message.get("Subject", ""))[:_SUBJECT_AT_MOST]
    try:
        return " ".join(str(make_header(decode_header(given))).split())
    except (LookupError, ValueError, MessageError):
        return " ".join(given.split())
