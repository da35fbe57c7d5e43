"""What comes from the queues, and from the table of what waits, made into letters; what nobody can send ends here."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from kernel.errors import InvalidInput
from kernel.queues import RECEIPTS
from kernel.queues.client import UNREADABLE, Delivery, Message, Queues, id_of, written
from kernel.security.crypto import Fields
from kernel.settings import Settings
from kernel.store.database import Database
from kernel.telemetry import logs, metrics
from mobile_contracts.messaging.outbound import Email, Receipt
from notifications.gateway.known import MAILER
from notifications.receipt import receipt
from workers.smtp import deferred, journal
from workers.smtp.deferred import Due
from workers.smtp.letter import Letter, compose

_POISON = 5
"""Deliveries of a message after which it is held to be one that nobody can read, whatever is wrong with it."""

_log = logs.logger(__name__)


class Taken(Struct, frozen=True):
    """A message that can be sent; it came from a queue, or without a `delivery` from the table of what waits."""

    email: Email
    letter: Letter
    delivery: Delivery | None = None


class Reading:
    """Reads messages, and tells by a receipt when nobody can."""

    def __init__(self, settings: Settings, database: Database, queues: Queues, fields: Fields) -> None:
        self._settings, self._database, self._queues, self._fields = settings, database, queues, fields

    async def readable(self, delivery: Delivery) -> Taken | None:
        """The message, or null for one that now lies among the dead, with a reason that tells nothing of a person."""
        try:
            email = msgspec.json.decode(delivery.body, type=Email)
            if delivery.queue.topic.split(".")[1] != email.purpose:
                raise InvalidInput(f"its purpose is not that of {delivery.queue.name}")
            return Taken(email, compose(email, self._settings.smtp_bounce), delivery)
        except InvalidInput as error:
            reason = error.detail
        except UNREADABLE as error:
            reason = str(error)[:200]
        except Exception as error:
            if delivery.attempts < _POISON:
                raise
            reason = type(error).__name__
        await self._told(id_of(delivery.body), receipt.UNSENDABLE)
        await self._queues.refuse([delivery], reason)
        metrics.EMAILS.labels("refused").inc()
        _log.warning("a message nobody can send lies among the dead", queue=delivery.queue.name, reason=reason)
        return None

    async def opened(self, due: Due) -> Taken | None:
        """The message that waited, or null for one that nobody can read any more: it has ended."""
        email = deferred.opened(self._fields, due)
        try:
            if email is not None:
                return Taken(email, compose(email, self._settings.smtp_bounce))
        except InvalidInput as error:
            _log.warning("a message that waited cannot be sent any more", message=str(due.id), reason=error.detail)
        await self._told(due.id, receipt.UNREADABLE if email is None else receipt.UNSENDABLE)
        async with self._database.transaction() as tx:
            await deferred.remove(tx, [due.id])
        metrics.EMAILS.labels("refused").inc()
        _log.warning("a message that waited has ended unsent", message=str(due.id))
        return None

    async def _told(self, message_id: UUID | None, code: str) -> None:
        """Rejected, unless the relay took it before under the same id."""
        if message_id is None:
            return
        async with self._database.transaction() as tx:
            known = (await journal.known(tx, [message_id])).get(message_id)
        if known is None or known.status != "accepted":
            one = Receipt(id=message_id, gateway=MAILER, gateway_id=str(message_id), status="rejected", code=code,
                          at=datetime.now(UTC))  # fmt: skip
            await self._queues.publish(RECEIPTS, [Message(written(one), id=str(message_id))])
