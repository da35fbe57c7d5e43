"""One letter handed to the relay, command by command, and what it answered."""

import asyncio
import contextlib
import time

import aiosmtplib
from aiosmtplib import SMTP, SMTPResponse
from msgspec import Struct

from kernel.errors import Unavailable
from kernel.retry import Backoff
from workers.smtp.letter import Letter
from workers.smtp.pool import CLOSING, LOST, Pool, refuses_us

_WIDE_REFUSED = SMTPResponse(553, "5.6.7 the relay takes no such address")
_TESTED = SMTPResponse(250, "2.1.5 test: asked, not sent")


class Answer(Struct, frozen=True):
    """The relay's answer; `repeated` when an earlier try may have succeeded, for its answer never came."""

    code: int
    message: str
    repeated: bool


async def deliver(pool: Pool, letter: Letter, until: float, *, test: bool = False) -> Answer | None:
    """The answer, asked for again on a new connection as often as one breaks; null when none came until `until`.

    `until` is a time of `time.monotonic`. In a `test` everything is asked but nothing is handed over.
    """
    backoff, unanswered = Backoff("the relay"), 0
    while time.monotonic() < until:
        handing = _Handing(letter, test=test)
        try:
            async with asyncio.timeout(until - time.monotonic()), pool.connection() as client:
                answer = await handing.over(client)
            return Answer(answer.code, answer.message, repeated=unanswered > 0)
        except (TimeoutError, Unavailable):
            unanswered += handing.begun
            backoff.failed()
            await asyncio.sleep(min(backoff.pause, max(0.0, until - time.monotonic())))
    return None


class _Handing:
    """One try; `begun` when the relay has heard of the content and has not answered yet."""

    def __init__(self, letter: Letter, *, test: bool) -> None:
        self._letter, self._test, self.begun = letter, test, False

    async def over(self, client: SMTP) -> SMTPResponse:
        """What the relay says of this letter; raises `Unavailable` when it says something of us or of itself."""
        if self._letter.wide and not client.supports_extension("smtputf8"):
            return _WIDE_REFUSED
        try:
            return await self._said(client)
        except aiosmtplib.SMTPSenderRefused as error:
            if error.code < 500 or refuses_us(error.code):
                raise Unavailable(f"the relay takes no mail from us now ({error.code})") from error
            return await self._refused(client, error)
        except aiosmtplib.SMTPResponseException as error:
            self.begun = False
            if error.code == CLOSING or refuses_us(error.code):
                raise Unavailable(f"the relay closes ({error.code})") from error
            return await self._refused(client, error)

    async def _said(self, client: SMTP) -> SMTPResponse:
        encoding = "utf-8" if self._letter.wide else "ascii"
        options = ["SMTPUTF8", "BODY=8BITMIME"] if self._letter.wide else []
        if client.supports_extension("size"):
            options.append(f"SIZE={len(self._letter.content)}")
        if client.supports_extension("dsn"):
            options.append(f"ENVID={self._letter.id}")
        await client.mail(self._letter.sender, options=options, encoding=encoding)
        await client.rcpt(self._letter.to, encoding=encoding)
        if self._test:
            await client.rset()
            return _TESTED
        self.begun = True
        answer = await client.data(self._letter.content)
        self.begun = False
        return answer

    async def _refused(self, client: SMTP, error: aiosmtplib.SMTPResponseException) -> SMTPResponse:
        """The answer itself; the connection is made ready for the next letter, or closed."""
        try:
            await client.rset()
        except (aiosmtplib.SMTPException, *LOST):
            with contextlib.suppress(OSError):
                client.close()
        return SMTPResponse(error.code, error.message)
