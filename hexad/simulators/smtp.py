"""An SMTP server that delivers nothing: what it takes is kept in the mailbox, some recipients it refuses."""

import asyncio
import contextlib
import logging
import random
import secrets
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
from hexad.simulators.rules import Manner
from kernel.settings import Settings
from kernel.telemetry import logs

REFUSALS = {"unknown": "550 5.1.1 there is no such mailbox", "full": "452 4.2.2 the mailbox is full, try again later"}
"""What a recipient is answered by the part before the `@`; any other is taken."""

_BYTES = 10 << 20
_RECIPIENTS = 100
_SECONDS = 60
_TEXT = 20_000
_HEADER, _HEADERS = 2000, 50
_HONEST = Manner()
_CHANCE = random.SystemRandom()
_NAME = "hexad.invalid"


def run(settings: Settings, manner: Manner = _HONEST) -> None:
    """Serves SMTP and the mailbox page until SIGTERM or SIGINT."""
    logs.configure("smtp_simulator", settings)
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd tells every command of every client
    asyncio.run(_run(settings, manner))


async def _run(settings: Settings, manner: Manner) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    mailbox = Mailbox(settings.var)
    sink = Sink(mailbox, manner)
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

    def __init__(self, mailbox: Mailbox, manner: Manner = _HONEST) -> None:
        self._mailbox, self._manner = mailbox, manner

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802
        """Takes or refuses one recipient."""
        if refusal := REFUSALS.get(address.partition("@")[0]):
            return refusal
        if len(envelope.rcpt_tos) >= _RECIPIENTS:
            return "452 4.5.3 too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keeps the message once for each recipient, unless its manner is another today."""
        await asyncio.sleep(self._manner.delay)
        if refusal := self._refusal():
            return refusal
        message = message_from_bytes(cast("bytes", envelope.content), policy=policy.default)
        self._mailbox.keep([_letter(message, envelope.mail_from or "", to) for to in envelope.rcpt_tos])
        return f"250 2.0.0 OK: queued as {secrets.token_hex(5).upper()}"

    def _refusal(self) -> str:
        """What chance has it answer instead of taking the message, empty for most."""
        chances = (self._manner.hang_up, self._manner.later, self._manner.refuse)
        answers = ("421 4.7.0 not now, closing", "451 4.3.0 try again later", "554 5.7.1 refused")
        return next((answer for share, answer in zip(chances, answers, strict=True) if _CHANCE.random() < share), "")


def _letter(message: EmailMessage, sender: str, to: str) -> Letter:
    headers = {str(name)[:_HEADER]: _one_line(message, name) for name in list(message.keys())[:_HEADERS]}
    return Letter("email", datetime.now(UTC), sender, to, headers.get("Subject", ""), _text(message, ("plain", "html")),
                  headers.get("Message-ID", ""), _text(message, ("html",)), headers)  # fmt: skip


def _one_line(message: EmailMessage, name: str) -> str:
    try:
        return str(message.get(name, ""))[:_HEADER]
    except (LookupError, ValueError, AttributeError, IndexError):  # the library's parser is not always prepared
        return "(the header cannot be read)"


def _text(message: EmailMessage, kinds: tuple[str, ...]) -> str:
    part = message.get_body(preferencelist=kinds)
    try:
        return str(part.get_content())[:_TEXT] if part else ""
    except (LookupError, ValueError):
        return "(the text cannot be read: its encoding is unknown or broken)"
