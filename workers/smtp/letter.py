"""An e-mail as it goes over the wire: one header for each that was given, whatever stands in them.

The same message is always the same letter: its Message-ID is the id of the message.
"""

import base64
import re
from collections.abc import Iterator
from email.headerregistry import Address
from email.policy import EmailPolicy
from email.utils import format_datetime
from uuid import UUID

from msgspec import Struct

from kernel.errors import InvalidInput
from mobile_contracts.address import SENDABLE
from mobile_contracts.messaging.outbound import Email
from workers.smtp import headers

_PASSED_ON = re.compile(
    r"List-[A-Za-z-]+|X-[A-Za-z0-9-]+|Precedence|Auto-Submitted|Feedback-ID|Importance", re.IGNORECASE
)
_PLAIN = re.compile(SENDABLE)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""What some reader may take for the end of a line, or for nothing; a tabulator is a blank."""

_SHORT = re.compile(r"(?:[\t -~]{0,76}\r\n)*")
_ENCODED = 57
"""Bytes of a line in base64: 76 characters (RFC 2045)."""

_READER = EmailPolicy(utf8=True)


class Letter(Struct, frozen=True):
    """Envelope and content; `wide` when an address is not ASCII, which takes a relay with SMTPUTF8.

    By `id` a mail that comes back names the message.
    """

    id: UUID
    sender: str
    to: str
    content: bytes
    wide: bool


def compose(email: Email, bounce: str = "") -> Letter:
    """The letter; `bounce` is the address to which it returns, the sender's own when empty.

    Raises `InvalidInput`, without personal data, for what could be read as another header or another recipient.
    """
    sender = _from(email.from_address)
    address = _plain("from", sender.addr_spec)
    wide = not (email.to + (email.reply_to or "") + address).isascii()
    head = b"".join(_head(email, sender))
    return Letter(email.id, bounce or address, _plain("to", email.to), head + b"".join(_body(email)), wide)


def _head(email: Email, sender: Address) -> Iterator[bytes]:
    yield headers.mailbox("From", _line("from", sender.display_name), sender.addr_spec)
    yield headers.mailbox("To", "", _plain("to", email.to))
    if email.reply_to is not None:
        yield headers.mailbox("Reply-To", "", _plain("reply_to", email.reply_to))
    yield headers.text("Subject", _line("the subject", email.subject))
    yield headers.raw("Date", format_datetime(email.created_at))
    yield headers.raw("Message-ID", f"<{email.id}@{sender.domain}>")
    for name, value in email.headers.items():
        yield _passed_on(name, _line("a header", value))
    yield headers.raw("MIME-Version", "1.0")


def _passed_on(name: str, value: str) -> bytes:
    """A header that was given; of a list's, an encoded word would break the address."""
    if not _PASSED_ON.fullmatch(name) or len(name) + len(value) > headers.LINE - 2:
        raise InvalidInput("a header is not one that may be passed on, or is too long")
    if not name.lower().startswith("list-"):
        return headers.raw(name, value) if value.isascii() and "=?" not in value else headers.text(name, value)
    if not value.isascii():
        raise InvalidInput("the address of a list is not ASCII")
    return f"{name}: {value}\r\n".encode()


def _body(email: Email) -> Iterator[bytes]:
    parts = [("plain", email.text)] if email.text or not email.html else []
    parts += [("html", email.html)] if email.html else []
    if len(parts) == 1:
        yield _part(*parts[0])
        return
    edge = f"=_{email.id.hex}"  # which stands neither in base64 nor, being our own id, in anybody's text
    yield f'Content-Type: multipart/alternative;\r\n boundary="{edge}"\r\n\r\n'.encode()
    for kind, text in parts:
        yield f"--{edge}\r\n".encode() + _part(kind, text, edge)
    yield f"--{edge}--\r\n".encode()


def _part(kind: str, text: str, edge: str = "") -> bytes:
    """A text with its own headers: as it is where it is short lines of ASCII, else in base64."""
    lines = "\r\n".join(re.split(r"\r\n|\r|\n", text.removesuffix("\n"))) + "\r\n"
    if _SHORT.fullmatch(lines) and not (edge and edge in lines):
        return f'Content-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: 7bit\r\n\r\n{lines}'.encode()
    content = lines.encode()
    coded = [base64.b64encode(content[at : at + _ENCODED]) for at in range(0, len(content), _ENCODED)]
    head = f'Content-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    return head.encode() + b"\r\n".join(coded) + b"\r\n"


def _from(line: str) -> Address:
    """The one address of the sender; raises `InvalidInput` for none, for several and for what is no plain one."""
    if "=?" in line:
        raise InvalidInput("from is encoded already, which could hide a line break")
    try:
        addresses = _READER.header_factory("From", _line("from", line)).addresses
    except (ValueError, IndexError, AttributeError):  # the library's parser is not always prepared
        addresses = ()
    if len(addresses) != 1:
        raise InvalidInput("from is not one address")
    found: Address = addresses[0]
    return found


def _line(field: str, text: str) -> str:
    """One line for every reader."""
    if _CONTROL.search(text):
        raise InvalidInput(f"{field} has a control character, which could begin another header")
    return text


def _plain(field: str, address: str) -> str:
    """An address without quotes, comments and blanks, so that nobody reads another one in it."""
    if not _PLAIN.fullmatch(address):
        raise InvalidInput(f"{field} is not a plain address")
    return address
