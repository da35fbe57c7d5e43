"""Handing over (派发): batches are claimed, rendered, published and recorded, in two transactions.

The first claims, and says so: `sending`, with the exact content sealed. The second holds those rows while the broker
confirms, after a last look at consent: who withdraws it waits for that, so that nothing leaves once it is withdrawn.
A process that dies in the second one leaves `sending` behind, which becomes `unknown` and is never sent blindly again.
"""

import html
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from kernel.crypto import Fields, Place
from kernel.database import Database, Tx
from kernel.errors import Unavailable
from kernel.queues import Queue
from kernel.queues.client import Message, Queues
from kernel.scope import apply_system
from kernel.settings import Settings
from kernel.sql import load
from mobile_contracts.outbound import Email, Purpose, Sms
from mobile_contracts.template import Language
from notifications import hours, rate, suitable, template
from notifications.rate import Lane
from notifications.sms import segments
from notifications.unsubscribe import link
from notifications.words import Words

BATCH = 500
_GATEWAY = "main"


class Open(Struct, frozen=True):
    """A broadcast of which something waits."""

    id: UUID
    kind: str
    purpose: Purpose
    channels: list[str]
    template: str
    template_version: int
    given: str
    state: str
    product_code: str | None
    expires_at: datetime
    unexpanded: bool


class Claimed(Struct, frozen=True):
    """A message that is ours to send, and whom to; `content` is there when it was handed over before."""

    id: UUID
    customer_id: int
    attempt: int
    content: bytes | None
    customer_no: str
    name: str
    mobile: bytes | None
    noted_mobile: bytes | None
    email: str | None
    language: Language


Made = tuple[UUID, Sms | Email]
_sql = load(Path(__file__).with_name("dispatch.sql"), Open, Claimed)


async def list_open(tx: Tx) -> list[Open]:
    """The broadcasts of which something waits, the oldest first."""
    found: list[Open] = await _sql.open(tx)
    return found


class Dispatch:
    """Hands over what is due of one broadcast and channel; any number may do so side by side."""

    def __init__(self, database: Database, queues: Queues, settings: Settings, words: Words) -> None:
        self._database, self._queues, self._settings, self._words = database, queues, settings, words
        self._fields = Fields(settings)

    async def room(self, channel: Literal["sms", "email"], purpose: Purpose) -> int:
        """How many messages may be published now: the gateway's rate allows no more, nor so many ahead of it.

        Raises `Unavailable` when the broker does not answer.
        """
        lane = self._lane(channel, purpose)
        async with self._database.connection() as connection:
            left = await rate.left(connection, lane)
        return min(left, lane.most - await self._queues.size(queue_of(channel, purpose)))

    def _lane(self, channel: Literal["sms", "email"], purpose: Purpose) -> Lane:
        own = self._settings
        sender, number = (own.sms_sender, own.sms_rate) if channel == "sms" else (own.email_from, own.email_rate)
        return Lane(_GATEWAY, channel, purpose, sender, number)

    async def send(self, one: Open, channel: Literal["sms", "email"], size: int, *, unanswered: bool = False) -> int:
        """Hands over up to `size` messages and gives their number, with `unanswered` those to be offered again.

        Raises `Unavailable` when the broker does not take them: they are `unknown` then.
        """
        now = datetime.now(UTC)
        good_until = hours.last_moment(hours.of(self._settings, one.purpose), now, one.expires_at)
        if good_until is None:
            return 0
        made = await self._claim(one, channel, size, now, good_until, unanswered=unanswered)
        return await self._hand_over(one, channel, made) if made else 0

    async def _claim(
        self, one: Open, channel: Literal["sms", "email"], size: int, now: datetime, until: datetime, *,
        unanswered: bool,
    ) -> list[Made]:  # fmt: skip
        async with self._database.transaction() as tx:
            await apply_system(tx, "dispatch", kind="company")
            place = {"broadcast_id": one.id, "channel": channel, "size": size}
            claimed: list[Claimed] = (
                await _sql.claim_unanswered(tx, **place, wait=self._settings.reconcile_after)
                if unanswered
                else await _sql.claim(tx, **place)
            )
            if not claimed:
                return []
            compose = await self._composer(tx, one, channel, now, until)
            dropped = await unsuited(tx, one, {row.id: row.customer_id for row in claimed})
            made: list[Made] = []
            for row in claimed:
                message = None if row.id in dropped else compose(row)
                if message is None:
                    dropped.setdefault(row.id, "no_mobile" if channel == "sms" else "no_email")
                else:
                    made.append((row.id, message))
            await _sql.begin(tx, ids=[id_ for id_, _ in made], contents=self._sealed(made))
            await drop(tx, dropped)
        return made

    async def _hand_over(self, one: Open, channel: Literal["sms", "email"], made: list[Made]) -> int:
        problem: Unavailable | None = None
        async with self._database.transaction() as tx:
            await apply_system(tx, "dispatch", kind="company")
            held = {row["id"] for row in await _sql.hold(tx, ids=[id_ for id_, _ in made])}
            if len(held) < len(made):
                await _sql.let_go(tx, ids=[id_ for id_, _ in made if id_ not in held])
            messages = [Message(msgspec.json.encode(sms), id=str(id_)) for id_, sms in made if id_ in held]
            try:
                await self._queues.publish(queue_of(channel, one.purpose), messages)
            except Unavailable as error:  # any of them may be in the queue
                problem = error
            await _sql.record(tx, ids=list(held), state="unknown" if problem else "sent")
            await rate.spend(tx, self._lane(channel, one.purpose), len(messages))
        if problem is not None:
            raise problem
        return len(messages)

    def _sealed(self, made: Sequence[Made]) -> list[bytes]:
        texts = [msgspec.json.encode(message).decode() for _, message in made]
        return list(self._fields.seal_column(texts, "outgoing", "content", [str(id_) for id_, _ in made]))

    async def _composer(
        self, tx: Tx, one: Open, channel: Literal["sms", "email"], now: datetime, until: datetime
    ) -> Callable[[Claimed], Sms | Email | None]:
        """What makes the message of one row; null for whoever has no number or address any more."""
        rendered = await self._words.of(tx, one, channel)

        def compose(row: Claimed) -> Sms | Email | None:
            attempt = row.attempt + 1
            if row.content is not None:
                return self._again(row, attempt, until)
            if channel == "sms":
                return self._sms(one, row, rendered[row.language], now, until, attempt)
            return self._email(one, row, rendered[row.language], now, until, attempt)

        return compose

    def _again(self, row: Claimed, attempt: int, until: datetime) -> Sms | Email:
        """The very message that was handed over before, or was about to be: same id, number and text."""
        text = self._fields.open(row.content or b"", Place("outgoing", "content", str(row.id)))
        before: Sms | Email = msgspec.json.decode(text, type=Sms | Email)
        return msgspec.structs.replace(before, attempt=attempt, expires_at=until)

    def _sms(
        self, one: Open, row: Claimed, rendered: template.Rendered, now: datetime, until: datetime, attempt: int
    ) -> Sms | None:
        number = self._number(row)
        if number is None:
            return None
        (text,) = rendered.of(template.one_line(row.name))
        return Sms(
            id=row.id, purpose=one.purpose, to=number, sender=self._settings.sms_sender, text=text,
            segments=segments(text), created_at=now, expires_at=until, attempt=attempt,
        )  # fmt: skip

    def _email(
        self, one: Open, row: Claimed, rendered: template.Rendered, now: datetime, until: datetime, attempt: int
    ) -> Email | None:
        if row.email is None:
            return None
        name = template.one_line(row.name)
        subject, text, _ = rendered.of(name)
        headers = {} if one.purpose == "transactional" else self._headers(one, row.customer_id)
        return Email(
            id=row.id, purpose=one.purpose, to=row.email, from_address=self._settings.email_from, reply_to=None,
            subject=subject, text=text, html=rendered.of(html.escape(name))[2], headers=headers, created_at=now,
            expires_at=until, attempt=attempt,
        )  # fmt: skip

    def _headers(self, one: Open, customer_id: int) -> dict[str, str]:
        address = link(self._settings, customer_id, one.purpose)
        return {"List-Unsubscribe": f"<{address}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}

    def _number(self, row: Claimed) -> str | None:
        if row.mobile is not None:
            return self._fields.open(row.mobile, Place("customer", "mobile", row.customer_no))
        if row.noted_mobile is not None:
            return self._fields.open(row.noted_mobile, Place("contact", "mobile", row.customer_no))
        return None


async def unsuited(tx: Tx, one: Open, messages: Mapping[UUID, int]) -> dict[UUID, str]:
    """Messages about a product that it may not be sent to, and why; none where it is about no product."""
    return {} if one.product_code is None else await suitable.refused(tx, one.product_code, messages)


async def drop(tx: Tx, reasons: Mapping[UUID, str]) -> None:
    """Skips claimed messages, each for its reason."""
    if reasons:
        await _sql.drop(tx, ids=list(reasons), reasons=list(reasons.values()))


def queue_of(channel: Literal["sms", "email"], purpose: Purpose) -> Queue:
    """The queue of a channel's first gateway."""
    return Queue(f"outbound.{channel}.{purpose}.{_GATEWAY}")
