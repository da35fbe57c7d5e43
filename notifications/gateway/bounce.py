"""Mail that came back (退信): a delivery status notification (RFC 3464) read as receipts of what it is about."""

import re
from collections.abc import Iterator
from datetime import datetime
from email import message_from_bytes, policy
from email.message import Message
from uuid import UUID

from kernel.errors import InvalidInput
from mobile_contracts.outbound import Receipt, ReceiptStatus

_ENDS: dict[str, ReceiptStatus] = {"failed": "undelivered", "delivered": "delivered", "relayed": "delivered",
                                   "expanded": "delivered"}  # fmt: skip
"""What an action means; any other, such as `delayed`, decides nothing yet."""

_STATUS = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_PARTS_AT_MOST = 50


def receipts(content: bytes, gateway: str, at: datetime) -> list[Receipt]:
    """A receipt where the notification decides what became of a message of ours, none where it only says "later".

    Raises `InvalidInput` for what is no such notification, or is about no message that we could know.
    """
    parts = list(_parts(message_from_bytes(content, policy=policy.compat32)))
    reports = [
        part
        for part in parts
        if part.get_content_type() in ("message/delivery-status", "message/global-delivery-status")
    ]
    if not reports:
        raise InvalidInput("it is no delivery status notification", "不是投递状态通知")
    message_id = _about(parts, reports)
    if message_id is None:
        raise InvalidInput("it is about no message of ours", "与本系统发出的邮件无关")
    ends = [end for report in reports for block in _blocks(report) if (end := _end(block))]
    return [
        Receipt(id=message_id, gateway=gateway, gateway_id=str(message_id), status=status, code=code, at=at)
        for status, code in dict.fromkeys(ends)
    ]


def _parts(message: Message) -> Iterator[Message]:
    for number, part in enumerate(message.walk()):
        if number >= _PARTS_AT_MOST:
            return
        yield part


def _blocks(report: Message) -> list[Message]:
    """The blocks of fields in a report: the first is about the message, each other about a recipient."""
    payload = report.get_payload()
    return [one for one in payload if isinstance(one, Message)] if isinstance(payload, list) else []


def _end(block: Message) -> tuple[ReceiptStatus, str] | None:
    status = _ENDS.get(str(block.get("Action", "")).strip().partition(" ")[0].lower())
    if status is None:
        return None
    code = _STATUS.match(str(block.get("Status", "")))
    return status, code[1] if code else ""


def _about(parts: list[Message], reports: list[Message]) -> UUID | None:
    """The id of our message: in the envelope's id, in the headers that came back, or in what it refers to."""
    returned = [one for one in parts if one.get_content_type() in ("text/rfc822-headers", "message/global-headers")]
    named = [str(block.get("Original-Envelope-Id", "")) for report in reports for block in _blocks(report)]
    named += [str(part.get("Message-ID", "")) for part in parts[1:]]
    named += [line for part in returned for line in _lines(part) if line.lower().startswith("message-id:")]
    named += [str(parts[0].get(name, "")) for name in ("In-Reply-To", "References")]
    found = (match[0] for text in named if (match := _UUID.search(text)))
    return next((UUID(one) for one in found), None)


def _lines(part: Message) -> list[str]:
    content = part.get_payload(decode=True)
    return content.decode(errors="replace").splitlines() if isinstance(content, bytes) else []
