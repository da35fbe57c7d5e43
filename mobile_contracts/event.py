"""What has happened: written with the change, handled once by each handler; payloads are ids, never personal data."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from msgspec import Struct


class Event(Struct, frozen=True, tag_field="kind", tag=True):
    """The base of every event; its class name is its kind. One that is `urgent` is told to every process at once."""

    urgent: ClassVar[bool] = False


class Probed(Event, frozen=True):
    """A round trip through outbox, relay, broker and worker was started."""

    probe_id: UUID


class TradingDayChanged(Event, frozen=True):
    """The calendar of one day was overridden, or the override taken back."""

    day: date


class JobTriedAgain(Event, frozen=True):
    """A job that was set aside was sent out again by hand."""

    event_id: UUID
    handler: str


class HousekeepingDue(Event, frozen=True):
    """It is time to delete what has outlived its purpose."""


class TokenIssued(Event, frozen=True):
    """An access token was issued by command."""

    session_id: UUID


class SessionEnded(Event, frozen=True):
    """A session was revoked: requests and sockets in it are refused from now on."""

    urgent = True
    session_id: UUID


AnyEvent = Probed | TradingDayChanged | JobTriedAgain | HousekeepingDue | TokenIssued | SessionEnded
