"""An SMTP server that delivers nothing: what it takes is kept in the mailbox, some recipients it refuses."""

import asyncio
import contextlib
import signal
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from typing import Any, cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from hexad import ports
from hexad.simulators.mailbox import Letter, Mailbox
from hexad.simulators.page import Page
from kernel import logs
from kernel.settings import Settings

REFUSALS = {"unknown": "550 5.1.1 there is no such mailbox", "full": "452 4.2.2 the mailbox is full, try again later"}
"""What a recipient is answered by the part before the `@`; any other is taken."""

_BYTES = 10 << 20
_RECIPIENTS = 100
_SECONDS = 60
_TEXT = 20_000
_NAME = "hexad.invalid"


def run(settings: Settings) -> None:
    """Serves SMTP and the mailbox page until SIGTERM or SIGINT."""
    logs.configure("smtp_simulator", settings)
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    mailbox = Mailbox(settings.var)
    sink = Sink(mailbox)
    with ports.explained(settings, "smtp_simulator_port"):
        server = await loop.create_server(
            partial(SMTP, sink, data_size_limit=_BYTES, timeout=_SECONDS, enable_SMTPUTF8=True, hostname=_NAME),
            settings.simulator_host,
            settings.smtp_simulator_port,
        )
    with contextlib.closing(server), Page(settings, mailbox):  # a client that stays does not hold up the stop
        await stop.wait()


class Sink:
    """aiosmtpd calls these by name."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802
        """Takes or refuses one recipient."""
        if refusal := REFUSALS.get(address.partition("@")[0]):
            return refusal
        if len(envelope.rcpt_tos) >= _RECIPIENTS:
            return "452 4.5.3 too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keeps the message once for each recipient."""
        message = message_from_bytes(cast("bytes", envelope.content), policy=policy.default)
        now, subject, text = datetime.now(UTC), str(message.get("Subject", "")), _text(message)
        sender = envelope.mail_from or ""
        self._mailbox.keep([Letter("email", now, sender, to, subject, text) for to in envelope.rcpt_tos])
        return "250 OK"


def _text(message: EmailMessage) -> str:
    part = message.get_body(preferencelist=("plain", "html"))
    try:
        return str(part.get_content())[:_TEXT] if part else ""
    except (LookupError, ValueError):
        return "(the text cannot be read: its encoding is unknown or broken)"
