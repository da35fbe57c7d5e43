"""One letter handed to the relay, command by command, and what it answered."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

import aiosmtplib
from aiosmtplib import SMTP

from kernel.errors import Unavailable
from workers.smtp.letter import Letter
from workers.smtp.pool import LOST, Pool
from workers.smtp.rules import Answer, Stage, of_us

_WIDE_REFUSED = Answer(553, "5.6.7 the relay takes no such address", "RCPT")
_TOO_LARGE = Answer(552, "5.3.4 the relay takes no message of this size", "DATA")
_TESTED = Answer(250, "2.1.5 test: asked, not sent", "RCPT")
_BROKEN = "4.4.2 the connection broke off"
_CLOSING = 421
_COMMANDS = 4
"""So many answers a letter waits for."""


async def deliver(
    pool: Pool, letter: Letter, until: float, begin: Callable[[], Awaitable[None]], *, urgent: bool = True,
    test: bool = False,
) -> Answer:  # fmt: skip
    """The relay's answer; `begin` is called before it hears of the letter.

    Raises `Unavailable` when no connection was to be had before `until`, a time of `time.monotonic`: nothing was begun
    then. One that is gone at the first command, or is closed there with 421, is tried once more on a new one: it was
    idle, and the relay has left. In a `test` everything is asked but nothing is handed over.
    """
    handing = _Handing(letter, test=test)
    for last in (False, True):
        try:
            async with pool.connection(until, urgent=urgent, new=last) as client:
                if not last:
                    await begin()
                answer = await handing.over(client, _COMMANDS * pool.timeout)
        except Unavailable:
            if not last:
                raise
            return handing.broken()
        if handing.stale and not last and time.monotonic() < until:
            continue
        if of_us(answer):
            pool.refused(letter.sender, answer)
        elif answer.code < 300 and not test:
            pool.took_one()
        return answer
    raise AssertionError("the second try is the last")


class _Handing:
    """How far a letter has come: its command, and whether the relay has heard of the content.

    `stale` when the connection was gone, or taken leave of, before it could say anything.
    """

    def __init__(self, letter: Letter, *, test: bool) -> None:
        self._letter, self._test = letter, test
        self._stage: Stage = "MAIL"
        self._heard = self.stale = False

    async def over(self, client: SMTP, seconds: float) -> Answer:
        """What the relay says of this letter, in bounds; a connection that is of no more use is closed."""
        size = str(client.esmtp_extensions.get("size", ""))
        if self._letter.wide and not client.supports_extension("smtputf8"):
            return _WIDE_REFUSED
        if size.isdecimal() and 0 < int(size) < len(self._letter.content):
            return _TOO_LARGE
        try:
            async with asyncio.timeout(seconds):
                return await self._said(client)
        except aiosmtplib.SMTPResponseException as error:
            self.stale = self._stage == "MAIL" and error.code == _CLOSING
            await _made_ready(client, closing=error.code == _CLOSING)
            return Answer(error.code, error.message, self._stage)
        except (TimeoutError, *LOST) as error:
            client.close()
            self.stale = self._stage == "MAIL" and not isinstance(error, TimeoutError)
            return self.broken()

    def broken(self) -> Answer:
        """The relay gave no answer."""
        stage: Stage = "DATA" if self._stage == "MAIL" else self._stage  # it has refused nobody
        return Answer(451, _BROKEN, stage, lost=self._heard)

    async def _said(self, client: SMTP) -> Answer:
        encoding = "utf-8" if self._letter.wide else "ascii"
        options = ["SMTPUTF8", "BODY=8BITMIME"] if self._letter.wide else []
        if client.supports_extension("dsn"):
            options.append(f"ENVID={self._letter.id}")
        self._stage, self._heard, self.stale = "MAIL", False, False
        await client.mail(self._letter.sender, options=options, encoding=encoding)
        self._stage = "RCPT"
        await client.rcpt(self._letter.to, encoding=encoding)
        if self._test:
            await client.rset()
            return _TESTED
        self._stage, self._heard = "DATA", True
        said = await client.data(self._letter.content)
        return Answer(said.code, said.message, "DATA")


async def _made_ready(client: SMTP, *, closing: bool) -> None:
    """The connection is ready for the next letter, or closed."""
    try:
        if not closing:
            await client.rset()
            return
    except (aiosmtplib.SMTPException, *LOST):
        pass  # it is of no more use
    with contextlib.suppress(OSError):
        client.close()
