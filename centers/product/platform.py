"""What the advisory platform (投顾平台) is told and tells: subscriptions that are due, its verdicts, its contracts."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal
from uuid import UUID

from msgspec import Struct

from kernel.events.outbox import Record, emit
from kernel.security.scope import Scope
from kernel.store.cursor import Cursor, Words
from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.event import SubscriptionChanged
from mobile_contracts.product.advisory import ContractNews, PlatformContract
from mobile_contracts.product.product import Contract, SubscriptionState

_OPEN = ("requested", "confirmed")


class Due(Struct, frozen=True):
    """A subscription of which the platform is to be told something, and the product as it is now."""

    id: UUID
    customer_no: str
    product_code: str
    price: Decimal | None
    agreement_version: int
    requested_at: datetime
    state: SubscriptionState
    cancelling: bool
    tries: int
    product_status: Literal["on", "off"]
    product_price: Decimal | None
    claimed_until: datetime


class Decided(Struct, frozen=True):
    """What became of a subscription, for the audit log."""

    state: str
    reason: str = ""
    contract_no: str | None = None


class Outcome(Struct, frozen=True):
    """What became of a subscription, and who is to be told: the customer, and the brokers who serve them."""

    id: UUID
    state: SubscriptionState
    reason: str
    customer_no: str
    customer_name: str
    product_name: str
    language: str
    brokers: list[str]


class Position(Struct, frozen=True):
    """How far the platform's contracts were read, and what was wrong the last time, if anything."""

    position: int
    problem: str


class ContractCursor(Cursor, frozen=True):
    """After this contract."""

    contract_no: Words = ""


_sql = load(Path(__file__).with_name("platform.sql"), Due, Outcome, Position, Contract)


async def claim(tx: Tx, subscription_id: UUID, ahead: float, seconds: float) -> Due | None:
    """Takes the subscription for one try, for so many seconds; null when nothing is to be told, or somebody tells it.

    It is to be told when its time has come, or comes within `ahead` seconds.
    """
    found: Due | None = await _sql.claim(tx, id=subscription_id, ahead=ahead, seconds=seconds)
    return found


async def hold(tx: Tx, due: Due) -> bool:
    """Whether the claim still stands; then nobody changes the subscription until the transaction ends.

    False when somebody asked for something else meanwhile, or the claim is over: that has a try of its own.
    """
    return bool(await _sql.hold(tx, id=due.id, claimed_until=due.claimed_until))


async def list_due(tx: Tx, size: int) -> list[UUID]:
    """Subscriptions whose next try has come, the longest waiting first."""
    return [row[0] for row in await _sql.list_due(tx, size=size)]


async def note_try(tx: Tx, subscription_id: UUID, tries: int, wait: float, problem: str) -> None:
    """Keeps that the platform was asked, what came of it, and asks again in `wait` seconds."""
    await _sql.note_try(tx, id=subscription_id, tries=tries, seconds=wait, problem=problem)


async def decide(
    tx: Tx, subscription_id: UUID, state: SubscriptionState, reason: str = "", contract_no: str | None = None
) -> bool:
    """Moves an open subscription to what the platform says; false when it was not open any more."""
    states = _OPEN if state == "cancelled" else ("requested",)
    decided = Decided(state, reason, contract_no)
    moved = await _sql.decide(
        tx, id=subscription_id, states=states, state=state, reason=reason, contract_no=contract_no
    )
    if moved is None:
        return False
    await _emit(tx, subscription_id, decided)
    return True


async def give_up_cancelling(tx: Tx, subscription_id: UUID, problem: str) -> None:
    """The subscription stays as it is: the platform could not be told to end it, and staff see why."""
    await _sql.give_up_cancelling(tx, id=subscription_id, problem=problem)


async def put_contracts(tx: Tx, contracts: Sequence[PlatformContract], digests: Sequence[bytes]) -> int:
    """Writes contracts as the feed would, equal ones not at all; of unknown customers or products none. How many."""
    return int(
        await _sql.put_contracts(
            tx,
            contract_nos=[one.contract_no for one in contracts],
            customer_nos=[one.customer_no for one in contracts],
            product_codes=[one.product_code for one in contracts],
            kinds=[one.kind for one in contracts],
            signed=[one.signed_on for one in contracts],
            ended=[one.ended_on for one in contracts],
            digests=list(digests),
        )
    )


async def confirm(tx: Tx, news: Sequence[ContractNews]) -> int:
    """Confirms the subscriptions whose contracts came; one that was given up too, if no other took its place."""
    named = [(one.subscription_id, one.contract.contract_no) for one in news if one.subscription_id]
    ids, numbers = [one for one, _ in named], [number for _, number in named]
    confirmed = await _sql.confirm(tx, subscription_ids=ids, contract_nos=numbers)
    for (subscription_id,) in confirmed:
        await _emit(tx, subscription_id, Decided("confirmed", contract_no=dict(named)[subscription_id]))
    return len(confirmed)


async def find_outcome(tx: Tx, subscription_id: UUID) -> Outcome | None:
    """What became of it, in the customer's language."""
    found: Outcome | None = await _sql.find_outcome(tx, id=subscription_id)
    return found


async def find_position(tx: Tx) -> Position:
    """How far the platform's contracts were read."""
    position: Position = await _sql.find_position(tx)
    return position


async def move_position(tx: Tx, before: Position, position: int, problem: str) -> bool:
    """Keeps how far was read from `before`, and what was wrong, if anything; false when somebody else read on."""
    return bool(await _sql.move_position(tx, before=before.position, position=position, problem=problem))


async def expire(tx: Tx, size: int) -> int:
    """Ends confirmed subscriptions whose contracts have ended, at most so many; gives how many."""
    expired = await _sql.expire(tx, size=size)
    for (subscription_id,) in expired:
        await _emit(tx, subscription_id, Decided("expired"))
    return len(expired)


async def list_own_contracts(tx: Tx, scope: Scope, after: ContractCursor, size: int) -> list[Contract]:
    """The investor's contracts, those that have ended too."""
    found: list[Contract] = await _sql.list_own_contracts(
        tx, customer=scope.reach.customer, after=after.contract_no, size=size
    )
    return found


async def _emit(tx: Tx, subscription_id: UUID, decided: Decided) -> None:
    record = Record(
        action=f"subscription.{decided.state}", noun="subscription", noun_id=str(subscription_id), after=decided
    )
    await emit(tx, SubscriptionChanged(subscription_id=subscription_id, state=decided.state), record)
