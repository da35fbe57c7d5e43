"""Connections to the relay: few, kept open between messages, closed when one of them misbehaves."""

import asyncio
import contextlib
import re
import socket
import ssl
import time
from collections.abc import AsyncIterator
from email.utils import parseaddr
from functools import cache

import aiosmtplib
from aiosmtplib import SMTP

from kernel.errors import Misconfigured, Unavailable
from kernel.settings import Settings
from kernel.store import outside
from workers.smtp.rules import Answer, Stage, of_us, words

LOST = (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError, aiosmtplib.SMTPConnectError, OSError)
"""What a connection raises that is of no more use; a time-out is an OSError too."""

_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}")
_OPENING = 3
"""A connection may take so many time-outs to be opened."""

_IDLE_SECONDS = 20.0
_QUIT_SECONDS = 2.0
_CHECK_SECONDS = 30.0
_DOUBT_SECONDS = 600.0
_MESSAGES = 200
"""Messages after which a connection is opened anew, as relays like it."""


class _Connection:
    """One connection, how often it was used, and when last."""

    def __init__(self, client: SMTP) -> None:
        self.client, self.messages, self.used_at = client, 0, time.monotonic()

    @property
    def fresh(self) -> bool:
        """Whether another message may be tried on it."""
        young = time.monotonic() - self.used_at < _IDLE_SECONDS and self.messages < _MESSAGES
        return self.client.is_connected and young


class Pool:
    """At most `settings.smtp_connections` at once; `problem` says why the relay cannot be used, null when it can."""

    def __init__(self, settings: Settings) -> None:
        """Raises `Misconfigured` when HEXAD_SMTP_CA cannot be read."""
        self._settings, self._context = settings, _context(settings)
        self._room = asyncio.Semaphore(settings.smtp_connections)
        self._patient = asyncio.Semaphore(max(1, settings.smtp_connections - 1))
        self._idle: list[_Connection] = []
        self._checking, self._checked_at = asyncio.Lock(), 0.0
        self._sender = settings.smtp_bounce or parseaddr(settings.email_from)[1]
        self._away: str | None = "the relay was not reached yet"
        self._refused: str | None = None
        self._doubt, self._doubted_at = "", 0.0
        self.timeout = settings.smtp_timeout

    @property
    def problem(self) -> str | None:
        """Why nothing can be sent now: what the relay says of us, or that it is away."""
        return self._refused or self._away

    @property
    def shown(self) -> str | None:
        """The same for operators, and what the relay said of us a while ago, until it has taken a message.

        A `check` may go well though no message does: our own address may be one that it delivers to anybody's.
        """
        doubted = bool(self._doubt) and time.monotonic() - self._doubted_at < _DOUBT_SECONDS
        return self.problem or (self._doubt if doubted else None)

    def refused(self, sender: str, answer: Answer) -> None:
        """The relay will not have this sender, or us; so it is until a `check` has gone well."""
        self._sender = sender
        self._refused = f"the relay refuses us at {answer.stage}: {words(answer.code, answer.message)}"
        self._doubt, self._doubted_at = self._refused, time.monotonic()

    def took_one(self) -> None:
        """The relay has taken a message from us."""
        self._doubt = ""

    @contextlib.asynccontextmanager
    async def connection(self, until: float, *, urgent: bool = True, new: bool = False) -> AsyncIterator[SMTP]:
        """A connection that has said its greetings; raises `Unavailable` when there is none before `until`.

        What is not `urgent` never takes the last one. A `new` one was not used before. One on which anything was raised
        is closed.
        """
        outside.call("the mail relay")
        async with contextlib.AsyncExitStack() as held:
            one = await self._taken(held, until, urgent=urgent, new=new)
            kept = False
            try:
                yield one.client
                kept = True
            except LOST as error:
                raise Unavailable(f"the relay broke off: {type(error).__name__}") from error
            finally:
                one.messages, one.used_at = one.messages + 1, time.monotonic()
                if kept and one.fresh:
                    self._idle.append(one)
                else:
                    one.client.close()

    async def _taken(
        self, held: contextlib.AsyncExitStack, until: float, *, urgent: bool, new: bool
    ) -> _Connection:  # fmt: skip
        try:
            async with asyncio.timeout(until - time.monotonic()):
                if not urgent:
                    await held.enter_async_context(self._patient)
                await held.enter_async_context(self._room)
                return (not new and self._waiting()) or _Connection(await self._opened())
        except TimeoutError as error:
            raise Unavailable("no connection to the relay was free in time") from error

    async def check(self) -> float:
        """Asks whether the relay takes mail from us, and gives the seconds until the next time; raises `Unavailable`.

        Sender and a recipient of our own are named, for many relays judge us only there; nothing is sent.
        """
        asked = time.monotonic()
        async with self._checking:
            if self._checked_at < asked:  # nobody asked meanwhile
                async with self.connection(asked + _OPENING * self.timeout) as client:
                    await self._ask(client)
                self._refused, self._checked_at = None, time.monotonic()
        return _CHECK_SECONDS

    async def _ask(self, client: SMTP) -> None:
        stage: Stage = "MAIL"
        try:
            await client.mail(self._sender)
            stage = "RCPT"
            await client.rcpt(self._sender)
        except aiosmtplib.SMTPResponseException as error:
            answer = Answer(error.code, error.message, stage)
            if of_us(answer):
                self.refused(self._sender, answer)
                client.close()
                raise Unavailable(self.problem or "") from error
        with contextlib.suppress(aiosmtplib.SMTPResponseException):
            await client.rset()

    async def close(self) -> None:
        """Takes leave on every connection that nobody uses."""
        idle, self._idle = self._idle, []
        for one in idle:
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await one.client.quit(timeout=_QUIT_SECONDS)
            one.client.close()

    def _waiting(self) -> _Connection | None:
        while self._idle:
            one = self._idle.pop()
            if one.fresh:
                return one
            one.client.close()
        return None

    async def _opened(self) -> SMTP:
        client = _client(self._settings, self._context)
        try:
            await client.connect()
            await client.ehlo()
        except (aiosmtplib.SMTPException, OSError) as error:
            client.close()
            self._away = _why(error)
            raise Unavailable(self._away) from error
        except asyncio.CancelledError:
            client.close()
            self._away = "the relay does not answer in time"
            raise
        self._away = None
        return client


def _client(settings: Settings, context: ssl.SSLContext | None) -> SMTP:
    if not settings.smtp_host:  # the simulator of this host
        return SMTP(hostname=settings.simulator_host, port=settings.smtp_simulator_port, start_tls=False,
                    timeout=settings.smtp_timeout, local_hostname=settings.smtp_helo or "hexad.invalid")  # fmt: skip
    return SMTP(
        hostname=settings.smtp_host,
        port=settings.smtp_port,
        username=settings.smtp_user or None,
        password=settings.smtp_password or None,
        use_tls=settings.smtp_tls == "tls",
        start_tls={"starttls": True, "offered": None}.get(settings.smtp_tls, False),
        tls_context=context,
        timeout=settings.smtp_timeout,
        local_hostname=settings.smtp_helo or _own_name(),
    )


@cache
def _own_name() -> str:
    """This host's full name, or its address where it has none: many relays refuse `localhost`."""
    name = socket.getfqdn()
    if "." in name and not name.startswith("localhost") and _HOST.fullmatch(name):
        return name
    try:
        return f"[{socket.gethostbyname(socket.gethostname())}]"
    except OSError:
        return "[127.0.0.1]"


def _context(settings: Settings) -> ssl.SSLContext | None:
    try:
        return ssl.create_default_context(cafile=settings.smtp_ca or None)
    except (OSError, ssl.SSLError) as error:
        raise Misconfigured(f"HEXAD_SMTP_CA cannot be read: {error}") from error


def _why(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        said = words(error.code, error.message)
        return f"the relay refuses HEXAD_SMTP_USER and HEXAD_SMTP_PASSWORD: {said}"
    if isinstance(error, aiosmtplib.SMTPHeloError):
        return f"the relay refuses us at EHLO, see HEXAD_SMTP_HELO: {words(error.code, error.message)}"
    if isinstance(error, aiosmtplib.SMTPResponseException | aiosmtplib.SMTPConnectResponseError):
        return f"the relay refuses to talk: {words(error.code, error.message)}"
    return f"the relay does not answer: {type(error).__name__}"
