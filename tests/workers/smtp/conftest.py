"""A relay of the test's own on a real socket, told how to answer."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, cast

import msgspec
import pytest
from aiosmtpd.smtp import SMTP

from kernel.settings import Settings


class Relay:
    """What it took, and how it answers: `answers` has one per command, used up in turn; then all is well.

    `says` answers at RCPT, `says_of_content` at the end of the content, whoever has such an address as often as they
    come; `stalls` are answered when `go_on` is set; `of_us` is said of every sender at MAIL.
    """

    def __init__(self, port: int) -> None:
        self.port, self.sessions, self.open, self.most = port, 0, 0, 0
        self.answers: dict[str, list[str]] = {"MAIL": [], "RCPT": [], "DATA": []}
        self.taken: list[tuple[str, str, EmailMessage]] = []
        self.names: list[str] = []
        self.says: dict[str, str] = {}
        self.says_of_content: dict[str, str] = {}
        self.stalls: set[str] = set()
        self.of_us = self.of_our_name = ""
        self.slow, self.go_on = asyncio.Event(), asyncio.Event()
        self.slow.set()
        self.made: list[SMTP] = []

    @property
    def connected(self) -> int:
        """Connections that are open."""
        return sum(one.transport is not None for one in self.made)

    async def handle_EHLO(self, server: SMTP, session: Any, envelope: Any, name: str, lines: list[str]) -> list[str]:  # noqa: N802
        self.names.append(name)
        if self.of_our_name:
            return [self.of_our_name]
        session.host_name, self.sessions = name, self.sessions + 1
        return lines

    async def handle_MAIL(self, server: SMTP, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        answer = self.of_us or await self._answer("MAIL", server)
        if answer.startswith("2"):
            envelope.mail_from = address
        return answer

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if address == envelope.mail_from:  # we ask whether we may send at all
            return "250 2.1.5 Ok"
        answer = self._said(self.says, address) or await self._answer("RCPT", server)
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802
        self.open += 1
        self.most = max(self.most, self.open)
        await self.slow.wait()
        if envelope.rcpt_tos[0] in self.stalls:
            await self.go_on.wait()
        self.open -= 1
        answer = self._said(self.says_of_content, envelope.rcpt_tos[0]) or await self._answer("DATA", server)
        if answer.startswith("2") or answer == "lost":
            message = message_from_bytes(envelope.content, policy=policy.default)
            self.taken.append((envelope.mail_from, envelope.rcpt_tos[0], message))
        return answer

    @staticmethod
    def _said(answers: dict[str, str], address: str) -> str:
        return next((answer for end, answer in answers.items() if address.endswith(end)), "")

    async def _answer(self, command: str, server: SMTP) -> str:
        answer = self.answers[command].pop(0) if self.answers[command] else "250 2.0.0 Ok: queued as ABC-1"
        if answer in ("lost", "cut"):  # it took the message, or did not, and nobody is told
            cast("asyncio.Transport", server.transport).abort()
        return answer


Serve = Callable[..., contextlib.AbstractAsyncContextManager[Relay]]


@pytest.fixture
def serve() -> Serve:
    """Starts a relay on a port, with these options of aiosmtpd."""

    @contextlib.asynccontextmanager
    async def served(port: int, context: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[Relay]:
        relay = Relay(port)

        def session() -> SMTP:
            relay.made.append(SMTP(relay, enable_SMTPUTF8=True, tls_context=context, **options))
            return relay.made[-1]

        server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", port)
        try:
            yield relay
        finally:
            server.close()
            await asyncio.sleep(0.01)  # whoever was being accepted has a transport now
            for one in relay.made:
                if one.transport is not None:
                    cast("asyncio.Transport", one.transport).abort()
            while relay.connected:
                await asyncio.sleep(0)

    return served


@pytest.fixture
def mailing(own_settings: Settings, free_port: Callable[[], int]) -> Settings:
    """Settings of a sender whose relay is to be had on this host, and which waits for nothing long."""
    port = free_port()
    return msgspec.structs.replace(own_settings, smtp_host="127.0.0.1", smtp_port=port, smtp_tls="never",
                                   smtp_timeout=1.0, mailer_port=free_port())  # fmt: skip


@pytest.fixture
async def relay(mailing: Settings, serve: Serve) -> AsyncIterator[Relay]:
    """The relay of `mailing`, for whom all is well."""
    async with serve(mailing.smtp_port) as served:
        yield served
