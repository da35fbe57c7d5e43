"""Connections to the relay: few, kept open between messages, closed when one of them misbehaves."""

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator

import aiosmtplib
from aiosmtplib import SMTP

from kernel.errors import Misconfigured, Unavailable
from kernel.settings import Settings

LOST = (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError, aiosmtplib.SMTPConnectError, OSError)
"""What a connection raises that is of no more use; a time-out is an OSError too."""

CLOSING = 421
_SIGN_IN = (530, 534, 535, 538)
_IDLE_SECONDS = 20.0
_QUIT_SECONDS = 2.0
_CHECK_SECONDS = 30.0
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
        self._idle: list[_Connection] = []
        self.problem: str | None = "the relay was not reached yet"

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[SMTP]:
        """A connection that has said its greetings; raises `Unavailable` when there is none, or when it breaks.

        One on which anything was raised is closed.
        """
        async with self._room:
            held = self._waiting() or _Connection(await self._opened())
            kept = False
            try:
                yield held.client
                kept, self.problem = True, None
            except Unavailable as error:
                self.problem = error.detail
                raise
            except LOST as error:
                raise Unavailable(f"the relay broke off: {type(error).__name__}") from error
            finally:
                held.messages, held.used_at = held.messages + 1, time.monotonic()
                if kept and held.fresh:
                    self._idle.append(held)
                else:
                    held.client.close()

    async def check(self) -> float:
        """Asks the relay whether it is there and gives the seconds until the next time; raises `Unavailable`.

        A connection that nobody uses is closed after some seconds, so a relay that went away is noticed here.
        """
        async with self.connection() as client:
            try:
                await client.noop()
            except aiosmtplib.SMTPResponseException as error:
                raise Unavailable(f"the relay closes ({error.code})") from error
        return _CHECK_SECONDS

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
            async with asyncio.timeout(3 * self._settings.smtp_timeout):
                await client.connect()
                await client.ehlo()
        except (aiosmtplib.SMTPException, OSError) as error:
            client.close()
            self.problem = _why(error)
            raise Unavailable(self.problem) from error
        return client


def refuses_us(code: int) -> bool:
    """Whether an answer is about how we signed in, not about the message."""
    return code in _SIGN_IN


def _client(settings: Settings, context: ssl.SSLContext | None) -> SMTP:
    if not settings.smtp_host:  # the simulator of this host
        return SMTP(hostname=settings.simulator_host, port=settings.smtp_simulator_port, start_tls=False,
                    timeout=settings.smtp_timeout, local_hostname="hexad.invalid")  # fmt: skip
    return SMTP(
        hostname=settings.smtp_host,
        port=settings.smtp_port,
        username=settings.smtp_user or None,
        password=settings.smtp_password or None,
        use_tls=settings.smtp_tls == "tls",
        start_tls={"starttls": True, "offered": None}.get(settings.smtp_tls, False),
        tls_context=context,
        timeout=settings.smtp_timeout,
    )


def _context(settings: Settings) -> ssl.SSLContext | None:
    try:
        return ssl.create_default_context(cafile=settings.smtp_ca or None)
    except (OSError, ssl.SSLError) as error:
        raise Misconfigured(f"HEXAD_SMTP_CA cannot be read: {error}") from error


def _why(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return f"the relay refuses HEXAD_SMTP_USER and HEXAD_SMTP_PASSWORD ({error.code})"
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"the relay refuses to talk ({error.code})"
    return f"the relay does not answer: {type(error).__name__}"
