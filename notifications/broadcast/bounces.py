"""A broadcast whose e-mails come back in numbers is stopped, and whoever started it is told.

Many bounces in some minutes say that the list is old or that a relay will not have us; going on would cost the firm's
reputation, and its mail to everybody else.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from msgspec import Struct

from kernel.errors import NotFound, WrongState
from kernel.schema import retention
from kernel.store.database import Tx
from kernel.store.sql import load
from kernel.telemetry import logs
from mobile_contracts.messaging.outbound import ReceiptStatus
from notifications.broadcast import broadcast
from notifications.inbox import notice

MINUTES = 10
"""Bounces are counted over so many minutes."""

MOST, SHARE = 20, 0.1
"""A broadcast is stopped by so many of them, where they are at least this share of what was answered."""

_FOR_GOOD = re.compile(r"(?:^|\s)5(?:\d\d|\.\d{1,3}\.\d{1,3})\b")
_WORDS = (
    "群发已暂停:退信过多",
    "近 {minutes} 分钟内,群发 {broadcast} 有 {bounces} 封邮件被永久拒收(共 {answers} 封有结果)。"
    "请检查名单与发件信誉后再继续。",
)
_ENGLISH = (
    "A broadcast is paused: too many of its e-mails came back",
    "Within {minutes} minutes {bounces} e-mails of the broadcast {broadcast} were refused for good, of {answers}"
    " that were answered. Look at its list and at how relays judge our mail before you resume it.",
)
_log = logs.logger(__name__)


class Lately(Struct, frozen=True):
    """E-mails of a broadcast that were answered lately, and how many of them came back for good."""

    broadcast_id: UUID
    answers: int
    bounces: int


_sql = load(Path(__file__).with_name("bounces.sql"), Lately)


def for_good(status: ReceiptStatus, code: str) -> bool:
    """Whether a receipt says that a relay refused the message, and will refuse it again."""
    return status in ("undelivered", "rejected") and bool(_FOR_GOOD.search(code))


async def note(tx: Tx, answers: Sequence[tuple[UUID, bool]]) -> list[Lately]:
    """Counts answers, each with whether it is a bounce, and gives what bounces too often.

    For whoever locks messages or broadcasts afterwards: always in this order, so that nobody waits in a circle.
    """
    lately: list[Lately] = await _sql.note(
        tx, ids=[id_ for id_, _ in answers], bounced=[bounced for _, bounced in answers], minutes=MINUTES
    )
    many = [one for one in lately if one.bounces >= MOST and one.bounces >= SHARE * one.answers]
    return many if any(bounced for _, bounced in answers) else []


async def stop(tx: Tx, many: Sequence[Lately]) -> None:
    """Pauses what bounces too often, and tells whoever started it."""
    for one in many:
        await _stop(tx, one)


async def forget(tx: Tx) -> None:
    """Forgets minutes that nobody looks back at any more."""
    await _sql.forget(tx, window=retention.window("bounce_tally"))


async def _stop(tx: Tx, lately: Lately) -> None:
    await _sql.begin_anew(tx, broadcast_id=lately.broadcast_id)
    try:
        before = await broadcast.find(tx, lately.broadcast_id)
    except NotFound:
        return
    if before.state in ("paused", "cancelled"):
        return
    try:
        await broadcast.change(tx, lately.broadcast_id, "pause")
    except WrongState:
        _log.info("e-mails of a broadcast that has ended come back", broadcast=str(lately.broadcast_id))
    _log.warning("a broadcast bounces", broadcast=str(before.id), bounces=lately.bounces, answers=lately.answers)
    audience, _, subject = before.started_by.partition(":")
    if audience == "staff":
        (title, body), english = (
            (head, text.format(minutes=MINUTES, broadcast=before.id, bounces=lately.bounces, answers=lately.answers))
            for head, text in (_WORDS, _ENGLISH)
        )
        link = f"/broadcasts/{before.id}"
        await notice.give(tx, "staff", subject, "broadcast", title, body, link, english=english)
