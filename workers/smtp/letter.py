"""An e-mail as it goes over the wire: built by the standard library, whose headers take no line break whatever comes.

The same message is always the same letter: its Message-ID is the id of the message.
"""

import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from typing import Any
from uuid import UUID

from msgspec import Struct

from kernel.errors import InvalidInput
from mobile_contracts.outbound import Email

LINE = 998
"""Octets that a line may have (RFC 5322)."""

_PASSED_ON = re.compile(
    r"List-[A-Za-z-]+|X-[A-Za-z0-9-]+|Precedence|Auto-Submitted|Feedback-ID|Importance", re.IGNORECASE
)
_PLAIN = re.compile(
    r"[\w!#$%&'*+/=?^`{|}~.-]{1,64}@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
)


class Letter(Struct, frozen=True):
    """Envelope and content; `wide` when an address is not ASCII, which takes a relay with SMTPUTF8.

    By `id` a mail that comes back names the message.
    """

    id: UUID
    sender: str
    to: str
    content: bytes
    wide: bool


class _Policy(EmailPolicy):
    """Folds as mail does, but leaves the addresses of lists whole: encoded words would break them."""

    def fold_binary(self, name: str, value: Any) -> bytes:
        line = f"{name}: {value}"
        if name.lower().startswith("list-") and line.isascii() and len(line) <= LINE:
            return (line + self.linesep).encode()
        return super().fold_binary(name, value)


_POLICY = _Policy(linesep="\r\n", cte_type="7bit", raise_on_defect=False)
_WIDE = _Policy(linesep="\r\n", cte_type="7bit", raise_on_defect=False, utf8=True)


def compose(email: Email, bounce: str = "") -> Letter:
    """The letter; `bounce` is the address to which it returns, the sender's own when empty.

    Raises `InvalidInput`, without personal data, for what could be read as another header or another recipient.
    """
    sender = _from(email.from_address)
    wide = not (email.to + (email.reply_to or "") + sender).isascii()
    message = EmailMessage(_WIDE if wide else _POLICY)
    try:
        _head(message, email, sender)
        _body(message, email)
        content = message.as_bytes()
    except (ValueError, IndexError, AttributeError) as error:  # the library's parser is not always prepared
        raise InvalidInput(f"a header cannot be written: {type(error).__name__}") from None
    if _names_in(content) != sorted(name.lower() for name in message):
        raise InvalidInput("a header would begin another one")
    return Letter(email.id, bounce or sender, _plain("to", email.to), content, wide)


def _head(message: EmailMessage, email: Email, sender: str) -> None:
    message["From"] = email.from_address
    message["To"] = _address("to", email.to)
    if email.reply_to is not None:
        message["Reply-To"] = _address("reply_to", email.reply_to)
    message["Subject"] = email.subject
    message["Date"] = email.created_at
    message["Message-ID"] = f"<{email.id}@{sender.partition('@')[2]}>"
    if any("=?" in text for text in (email.from_address, email.subject, *email.headers.values())):
        raise InvalidInput("a header is encoded already, which could hide a line break")
    for name, value in email.headers.items():
        if not _PASSED_ON.fullmatch(name) or len(name) + len(value) > LINE - 2:
            raise InvalidInput("a header is not one that may be passed on, or is too long")
        if name.lower().startswith("list-") and not value.isascii():
            raise InvalidInput("the address of a list is not ASCII")
        message[name] = value


def _body(message: EmailMessage, email: Email) -> None:
    if email.text or not email.html:
        message.set_content(email.text)
    if email.html:
        (message.add_alternative if email.text else message.set_content)(email.html, subtype="html")


def _names_in(content: bytes) -> list[str]:
    """The names of the headers as a relay will read them."""
    head = content.partition(b"\r\n\r\n")[0].split(b"\r\n")
    names = (line.partition(b":")[0] for line in head if line[:1] not in (b" ", b"\t"))
    return sorted(name.decode(errors="replace").lower() for name in names)


def _from(line: str) -> str:
    """The one address of the sender; raises `InvalidInput` for none, for several and for what is no plain one."""
    try:
        addresses = _WIDE.header_factory("From", line).addresses
    except (ValueError, IndexError, AttributeError):
        addresses = ()
    if len(addresses) != 1:
        raise InvalidInput("from is not one address")
    return _plain("from", addresses[0].addr_spec)


def _address(field: str, address: str) -> Address:
    local, _, domain = _plain(field, address).rpartition("@")
    return Address(username=local, domain=domain)


def _plain(field: str, address: str) -> str:
    """An address without quotes, comments and blanks, so that nobody reads another one in it."""
    if not _PLAIN.fullmatch(address):
        raise InvalidInput(f"{field} is not a plain address")
    return address
