"""What can be done with the bus, whichever carries it."""

import abc
import asyncio
from collections.abc import Callable, Sequence
from typing import NoReturn

import msgspec

from kernel.errors import Unavailable
from kernel.process.retry import Backoff
from kernel.telemetry import logs, metrics
from mobile_contracts.event import AnyEvent, Event

Heard = Callable[[Event | None], None]
"""Called with each event; with null after the listener was deaf for a while: anything may have happened meanwhile."""

MESSAGE_AT_MOST = 4000
"""Bytes of one message; PostgreSQL takes less than 8,000."""
LONGEST_PAUSE = 2.0
"""Seconds at most between two tries: a bus that is back is used again before anybody misses it."""

_log = logs.logger(__name__)
_events: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


class Bus(abc.ABC):
    """Events go out to every process that listens; what nobody listens to is gone."""

    def __init__(self, name: str) -> None:
        self._hearing, self._telling = (Backoff(name, longest=LONGEST_PAUSE) for _ in range(2))

    async def tell(self, events: Sequence[Event]) -> bool:
        """Gives the events to every listener; whether that could be done. Costs nothing while the bus is away."""
        if not events:
            return True
        if not self._telling.is_over:
            return False  # the bus was not asked, so this is no failure of it
        try:
            await self._tell([msgspec.json.encode(event).decode() for event in events])
        except Unavailable as error:
            if self._telling.failed():
                _log.warning("the bus takes nothing; others notice later what happens", problem=error.detail)
            return False
        if self._telling.worked():
            _log.warning("the bus takes events again")
        return True

    @abc.abstractmethod
    async def close(self) -> None:
        """Lets go of what `tell` holds."""

    @abc.abstractmethod
    async def _tell(self, messages: list[str]) -> None:
        """Sends the messages; raises `Unavailable` when the bus does not answer in time."""

    @abc.abstractmethod
    async def _hear(self, heard: Heard) -> NoReturn:
        """Listens over one connection; raises `Unavailable` when it is lost."""

    async def listen(self, heard: Heard) -> NoReturn:
        """Listens until it is cancelled; connects again by itself, and says so once."""
        while True:
            try:
                await self._hear(self._after_failure(heard))
            except Exception as error:  # noqa: BLE001  # a listener outlives whatever it meets; it is said
                if self._hearing.failed():
                    unforeseen = not isinstance(error, Unavailable)
                    _log.warning("the bus is not heard; what others do is noticed later", exc_info=unforeseen)
                await asyncio.sleep(self._hearing.pause)

    def _after_failure(self, heard: Heard) -> Heard:
        def tell(event: Event | None) -> None:
            if self._hearing.worked():
                _log.warning("the bus is heard again")
            heard(event)

        return tell


def pass_on(message: str | bytes, heard: Heard) -> None:
    """Tells the event in a message; one of another version, or of somebody else, is counted and left alone."""
    try:
        if len(message) > MESSAGE_AT_MOST:
            raise msgspec.ValidationError
        event = _events.decode(message)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        metrics.BUS.labels("not_understood").inc()
        return
    metrics.BUS.labels("heard").inc()
    heard(event)
