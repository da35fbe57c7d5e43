"""Broadcasts (群发): one text for many. Starting one only writes down what is wanted; the rest happens by itself.

Its audience is fixed at the start. `expansion.py` makes the messages, `dispatch.py` hands them over.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, get_args
from uuid import UUID

import msgspec
import uuid_utils.compat as uuid
from msgspec import Struct

from kernel.errors import FieldError, InvalidInput, NotFound, WrongState
from kernel.events.outbox import Record, emit
from kernel.security.scope import Reach
from kernel.settings import Settings
from kernel.store import clock
from kernel.store.cursor import Cursor
from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.event import BroadcastChanged, BroadcastStarted
from mobile_contracts.messaging.broadcast import (
    BroadcastLine,
    BroadcastState,
    Counts,
    MessageState,
    OutgoingMessage,
    Progress,
)
from mobile_contracts.messaging.outbound import Purpose
from mobile_contracts.messaging.template import Channel, TemplateLine, TemplateVersion
from notifications.broadcast import hours, rate
from notifications.template import words
from notifications.template.rendering import check_seen, check_values
from notifications.template.template import find as find_template
from notifications.template.template import find_version

GOOD_FOR = timedelta(days=3)
"""How long a message may wait for its hours when nobody says otherwise."""

_LONGEST = timedelta(days=90)
_WAITING = ("queued", "sending", "unknown")
_MOVES: dict[str, tuple[BroadcastState, BroadcastState]] = {
    "pause": ("running", "paused"),
    "resume": ("paused", "running"),
}
_sql = load(Path(__file__).with_name("broadcast.sql"), BroadcastLine, OutgoingMessage)


class Wanted(Struct, frozen=True):
    """What is to be sent to whom: the first of `channels` that is possible for a person is taken.

    `by` is the name of a principal; a second one with the same `once` is not started. Customers out of the scope of
    the transaction are left out.
    """

    kind: str
    template: str
    purpose: Purpose
    channels: tuple[Channel, ...]
    values: Mapping[str, str]
    customer_ids: Sequence[int]
    topic: str = ""
    product_code: str | None = None
    by: str = "system:house"
    once: str = ""
    branch_ids: Sequence[int] = ()
    not_before: datetime | None = None
    expires_at: datetime | None = None


class BroadcastCursor(Cursor, frozen=True):
    """Where a list of broadcasts ended, the newest first."""

    id: UUID = UUID(int=2**128 - 1)


class MessageCursor(Cursor, frozen=True):
    """Where a list of messages ended."""

    id: UUID = UUID(int=0)


async def start(tx: Tx, wanted: Wanted) -> UUID:
    """Starts a broadcast and gives its id, that of the first one when it was wanted `once`.

    Raises `InvalidInput` for values, channels, times or a template that do not fit.
    """
    version = await check(tx, wanted)
    row = await _sql.add(
        tx, id=uuid.uuid7(), kind=wanted.kind, template=version.code, template_version=version.number,
        purpose=wanted.purpose, topic=wanted.topic or (await find_template(tx, version.code)).topic,
        channels=list(wanted.channels), given=msgspec.json.encode(dict(wanted.values)).decode(),
        product_code=wanted.product_code, customer_ids=list(wanted.customer_ids), branch_ids=list(wanted.branch_ids),
        by=wanted.by, once=wanted.once, not_before=wanted.not_before, expires_at=_expiry(wanted, await clock.now(tx)),
    )  # fmt: skip
    if row is None:
        known: UUID = await _sql.known(tx, once=wanted.once)
        return known
    started: UUID = row["id"]
    after = await find(tx, started)
    record = Record(action="broadcast.start", noun="broadcast", noun_id=str(started), after=after)
    await emit(tx, BroadcastStarted(broadcast_id=started), record)
    return started


async def template_line(tx: Tx, code: str) -> TemplateLine:
    """The template that is named; raises `InvalidInput` where there is none."""
    try:
        return await find_template(tx, code)
    except NotFound as error:
        fault = FieldError("template", f"there is no template {code}", f"没有此模板:{code}")
        raise InvalidInput(errors=[fault]) from error


async def check(tx: Tx, wanted: Wanted) -> TemplateVersion:
    """The version that would be sent; raises as `start` does."""
    line = await template_line(tx, wanted.template)
    if line.approved is None:
        raise InvalidInput(errors=[FieldError("template", "no version of it is approved", "模板尚无已批准的版本")])
    if line.purpose != wanted.purpose:
        raise InvalidInput(errors=[FieldError("template", f"it is for {line.purpose}", f"模板用途为 {line.purpose}")])
    version = await find_version(tx, line.code, line.approved)
    check_values(version.variables, wanted.values)
    check_seen(wanted.values)
    lacking = [one for one in wanted.channels if getattr(version.texts.zh, one) is None]
    if lacking or not wanted.channels or len(set(wanted.channels)) < len(wanted.channels):
        made_for = ", ".join(one for one in get_args(Channel) if getattr(version.texts.zh, one) is not None)
        raise InvalidInput(
            errors=[FieldError("channels", f"one or more of {made_for}, each once", f"须为 {made_for},且不重复")]
        )
    words.check_lengths(version, wanted.purpose, wanted.channels, wanted.values)
    now = await clock.now(tx)
    begins = wanted.not_before or now
    if not max(begins, now) < _expiry(wanted, now) <= now + _LONGEST:
        raise InvalidInput(
            errors=[FieldError("expires_at", "is later, by 90 days at most", "须晚于开始且不超过 90 天")]
        )
    return version


async def list_some(tx: Tx, after: BroadcastCursor, size: int) -> list[BroadcastLine]:
    """One's own, or for whoever reaches the whole company all, the newest first."""
    lines: list[BroadcastLine] = await _sql.list(tx, before=after.id, size=size)
    return lines


async def find(tx: Tx, broadcast_id: UUID) -> BroadcastLine:
    """One broadcast; raises `NotFound`."""
    line: BroadcastLine | None = await _sql.find(tx, broadcast_id=broadcast_id)
    if line is None:
        raise NotFound
    return line


async def progress(tx: Tx, broadcast_id: UUID, settings: Settings) -> Progress:
    """How far it is, and by the hours of `settings` what it waits for; raises `NotFound`."""
    line = await find(tx, broadcast_id)
    rows, counted = await _sql.counts(tx, broadcast_id=broadcast_id), Counter[str]()
    for row in rows:
        counted[row["state"]] += row["messages"]
    skipped = {row["reason"]: row["messages"] for row in rows if row["state"] == "skipped"}
    counted["queued"] = counted.get("queued", 0) + line.total - sum(counted.values())
    waiting = _WAITING if line.finished_at is None else _WAITING[:2]  # what is unknown at the end stays so
    done = line.total - sum(counted.get(state, 0) for state in waiting)
    now = await clock.now(tx)
    until = line.finished_at or now
    took = (until - max(line.created_at, line.not_before)).total_seconds()
    speed = done / max(took, 1e-3) if done and took > 0 else 0.0  # cancelled before its start it had none
    waits_for, next_at = (None, None) if done == line.total else _waiting(line, settings, now)
    left = await _seconds_left(tx, line, line.total - done, speed, settings) if waits_for is None else None
    return Progress(
        line, Counts(**counted), skipped, done, line.total, round(speed, 1), left and round(left, 1), waits_for, next_at
    )


async def _seconds_left(tx: Tx, line: BroadcastLine, waiting: int, speed: float, settings: Settings) -> float | None:
    """How long the rest takes: as all did so far, but never faster than its gateway's rate, by which it began ahead."""
    if not speed or line.state != "running":
        return None
    first = line.channels[0]
    if first not in ("sms", "email"):
        return waiting / speed
    lane = rate.lane(settings, first, line.purpose)
    return max(waiting / speed, (waiting - max(await rate.left(tx, lane), 0)) / lane.rate)


def _waiting(
    line: BroadcastLine, settings: Settings, now: datetime
) -> tuple[Literal["start", "hours"] | None, datetime | None]:
    """What keeps a running broadcast from sending now, and when that is over; null when it will have expired."""
    if line.state != "running":
        return None, None
    begins = max(now, line.not_before)
    next_at = hours.of(settings, line.purpose).next(begins)
    if next_at <= now:
        return None, None
    return "start" if line.not_before > now else "hours", next_at if next_at < line.expires_at else None


async def list_messages(
    tx: Tx, broadcast_id: UUID, state: str | None, after: MessageCursor, size: int
) -> list[OutgoingMessage]:
    """The messages of a broadcast to customers in scope, of one state or of any; raises `NotFound`."""
    await find(tx, broadcast_id)
    messages: list[OutgoingMessage] = await _sql.messages(
        tx,
        broadcast_id=broadcast_id,
        states=list(get_args(MessageState)) if state is None else [state],
        after=after.id,
        size=size,
    )
    return messages


async def change(tx: Tx, broadcast_id: UUID, verb: Literal["pause", "resume", "cancel"]) -> BroadcastLine:
    """Pauses, resumes or cancels one; repeating it changes nothing. Raises `NotFound` or `WrongState`."""
    before: BroadcastLine | None = await _sql.lock(tx, broadcast_id=broadcast_id)
    if before is None:
        raise NotFound
    before_state, state = _MOVES.get(verb, (before.state, "cancelled"))
    if before.state == state:
        return before
    if before.finished_at is not None or before.state in ("cancelled", "done") or before.state != before_state:
        raise WrongState(f"it is {before.state}", f"当前状态为 {before.state}")
    await _sql.change_state(tx, broadcast_id=broadcast_id, state=state)
    after = await find(tx, broadcast_id)
    noun_id = str(broadcast_id)
    record = Record(action=f"broadcast.{verb}", noun="broadcast", noun_id=noun_id, before=before, after=after)
    await emit(tx, BroadcastChanged(broadcast_id=broadcast_id), record)
    return after


async def customer_ids(tx: Tx, customer_nos: Sequence[str]) -> list[int]:
    """The ids of customers in scope; raises `NotFound` when one is not."""
    ids: list[int] = await _sql.customers(tx, customer_nos=list(customer_nos))
    if len(ids) != len(set(customer_nos)):
        raise NotFound
    return ids


async def branch_ids(tx: Tx, codes: Sequence[str], reach: Reach) -> list[int]:
    """The ids of branches and of those merged into them.

    Raises `NotFound` for one that the reach does not have, there or not; who reaches the company is told by
    `InvalidInput` which do not exist.
    """
    rows = await _sql.branches(tx, codes=list(codes))
    unknown = sorted(set(codes) - {row["code"] for row in rows})
    if reach.kind != "company" and (unknown or {row["named"] for row in rows} - set(reach.branches)):
        raise NotFound
    if unknown:
        told = ", ".join(unknown)
        raise InvalidInput(errors=[FieldError("branch_codes", f"there is no branch {told}", f"没有此营业部:{told}")])
    return sorted({row["id"] for row in rows})


def _expiry(wanted: Wanted, now: datetime) -> datetime:
    return wanted.expires_at or (wanted.not_before or now) + GOOD_FOR
