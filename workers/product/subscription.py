"""Subscriptions on their way: the advisory platform is told and asked, customers and brokers hear what came of it.

Each is claimed, told and settled by itself: no transaction is open while the platform has not answered, and what it
said of one is kept, however long it takes for the next.
"""

import asyncio
import time
from uuid import UUID

import msgspec

from centers.product import platform
from centers.product.platform import Due, Outcome, Position
from kernel.errors import Unavailable
from kernel.queues import SLOW
from kernel.security.scope import Audience, apply_system
from kernel.settings import Settings
from kernel.store.database import Tx
from kernel.telemetry import logs
from mobile_contracts.event import AdvisoryDue, ExpiryDue, SubscriptionAsked, SubscriptionChanged
from mobile_contracts.product.advisory import ContractNews, Order, PlatformContract, Verdict
from notifications.inbox import notice
from workers.collection.digest import digest_secret, row_digest
from workers.product.advisory import Advisory, News
from workers.runtime.registry import Means, handles, sends

WAITS = (5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
"""Seconds before the next try, the last of them from then on."""

_CLAIM_SECONDS = 60.0
"""Longer than a call can take; who died with a claim is replaced after it."""

_AHEAD_SECONDS = 15.0
"""What was asked for just now is told before its time, which is for when that fails."""

_PENDING_SECONDS = 300.0
_DUE_AT_MOST = 500
_AT_ONCE = 4
_PAGES = 10
_CHUNK, _CHUNKS = 500, 40
Words = tuple[str, str]
"""Title and body of a notice."""

_OUTCOMES = {
    ("confirmed", "zh"): ("签约成功", "您已成功签约{product}。"),
    ("confirmed", "en"): ("Subscribed", "You have subscribed to {product}."),
    ("refused", "zh"): ("签约未通过", "您对{product}的签约未通过。"),
    ("refused", "en"): ("Subscription refused", "Your subscription to {product} was refused."),
    ("failed", "zh"): ("签约未完成", "您对{product}的签约暂未完成,请稍后重试。"),
    ("failed", "en"): ("Subscription not completed", "Your subscription to {product} could not be completed."),
    ("cancelled", "zh"): ("签约已取消", "您对{product}的签约已取消。"),
    ("cancelled", "en"): ("Subscription cancelled", "Your subscription to {product} is cancelled."),
    ("expired", "zh"): ("签约已到期", "您对{product}的签约已到期。"),
    ("expired", "en"): ("Subscription expired", "Your subscription to {product} has expired."),
}
_TO_BROKERS = {
    "confirmed": (
        ("客户签约", "您服务的客户{customer}已签约{product}。"),
        ("A customer subscribed", "Your customer {customer} has subscribed to {product}."),
    ),
    "cancelled": (
        ("客户取消签约", "您服务的客户{customer}已取消签约{product}。"),
        ("A customer cancelled", "Your customer {customer} has cancelled the subscription to {product}."),
    ),
}
_log = logs.logger(__name__)


@sends(SubscriptionAsked, SLOW, name="tell_platform")
async def tell_platform(event: SubscriptionAsked, means: Means) -> None:
    """Tells the advisory platform at once; when it is away, `ask_platform` tells it again."""
    async with Advisory(means.settings) as advisory:
        await advance(means, event.subscription_id, advisory, ahead=_AHEAD_SECONDS)


@sends(AdvisoryDue, SLOW, name="ask_platform")
async def ask_platform(event: AdvisoryDue, means: Means) -> None:
    """Tells the platform what it has not taken yet, as long as it answers, and reads its contracts."""
    until = time.monotonic() + means.settings.job_timeout / 4
    means.failing.forget()
    async with means.transaction("ask_platform") as tx:
        due = iter(await platform.list_due(tx, _DUE_AT_MOST))
    async with Advisory(means.settings) as advisory:

        async def tell() -> None:
            for subscription_id in due:  # which all of them share
                answered = True
                with means.failing.item(f"subscription {subscription_id}"):
                    answered = await advance(means, subscription_id, advisory)
                if not answered or time.monotonic() > until:
                    return

        async with asyncio.TaskGroup() as telling:
            for _ in range(_AT_ONCE):
                telling.create_task(tell())
        await read_contracts(means, advisory)


@handles(ExpiryDue, name="expire_subscriptions")
async def expire_subscriptions(tx: Tx, event: ExpiryDue) -> None:
    """Ends subscriptions whose contracts have ended; what is left is for the next time."""
    await apply_system(tx, "expire_subscriptions", kind="company")
    for _ in range(_CHUNKS):
        if await platform.expire(tx, _CHUNK) < _CHUNK:
            break


@handles(SubscriptionChanged, name="tell_of_subscription")
async def tell_of_subscription(tx: Tx, event: SubscriptionChanged) -> None:
    """The customer is told of every outcome, the brokers who serve them of those that matter to them."""
    await apply_system(tx, "tell_of_subscription", kind="company")
    outcome = await platform.find_outcome(tx, event.subscription_id)
    if outcome is not None and event.state:  # it may be another by now, of which another event tells
        outcome = msgspec.structs.replace(outcome, state=event.state)
    if outcome is None or (outcome.state, outcome.language) not in _OUTCOMES:
        return
    await _give(tx, "investor", outcome.customer_no, outcome, _OUTCOMES[outcome.state, outcome.language])
    if outcome.state in _TO_BROKERS:
        for employee_no in outcome.brokers:
            await _give(tx, "staff", employee_no, outcome, *_TO_BROKERS[outcome.state])


async def advance(means: Means, subscription_id: UUID, advisory: Advisory, ahead: float = 0.0) -> bool:
    """Tells the platform what is due of one subscription; false when it did not answer as it should."""
    async with means.transaction("tell_platform") as tx:
        due = await platform.claim(tx, subscription_id, ahead, _CLAIM_SECONDS)
        if due is None:
            return True
        if not due.cancelling and due.tries == 0 and (reason := _outdated(due)):
            await platform.decide(tx, due.id, "refused", reason)
            return True
    try:
        verdict = await (advisory.cancel(due.id) if due.cancelling else advisory.order(_order(due)))
        async with means.transaction("tell_platform") as tx:
            await _take(tx, due, verdict, means.settings)
    except Unavailable as error:
        async with means.transaction("tell_platform") as tx:
            if await platform.hold(tx, due):
                await _again(tx, due, error.detail, means.settings)
        return False
    return True


async def read_contracts(means: Means, advisory: Advisory) -> None:
    """Reads on where the last reader stopped; equal contracts change nothing, unknown customers wait for the feed."""
    for _ in range(_PAGES):
        async with means.transaction("ask_platform") as tx:
            before = await platform.find_position(tx)
        read, problem = News([], [], []), ""
        try:
            read = await advisory.read(before.position)
            if read.nonsense:
                problem = f"contracts that make no sense were left out, at positions {read.nonsense}"
        except Unavailable as error:
            problem = error.detail
        if problem != before.problem:
            now = problem or "nothing"
            _log.warning("what is wrong with the advisory platform's contracts has changed", problem=now)
        if not await _keep(means, before, read, problem) or not read.more or not read.positions:
            return


async def _keep(means: Means, before: Position, read: News, problem: str) -> bool:
    """One page in a transaction; false when somebody else has read on meanwhile."""
    position = read.positions[-1] if read.positions else before.position
    async with means.transaction("ask_platform") as tx:
        if not await platform.move_position(tx, before, position, problem):
            return False
        await _put(tx, [one.contract for one in read.items], means.settings)
        await platform.confirm(tx, read.items)
    return True


async def _take(tx: Tx, due: Due, verdict: Verdict, settings: Settings) -> None:
    """What the platform says becomes of the subscription; raises `Unavailable` when it makes no sense."""
    contract = verdict.contract
    if contract and (contract.customer_no, contract.product_code) != (due.customer_no, due.product_code):
        raise Unavailable("the advisory platform answers with somebody else's contract")
    if contract:
        await _put(tx, [contract], settings)
    match verdict.status:
        case "cancelled":
            await platform.decide(tx, due.id, "cancelled", "by_investor" if due.cancelling else "by_platform")
        case "refused" if not due.cancelling:
            await platform.decide(tx, due.id, "refused", verdict.reason)
        case "pending" if not due.cancelling and not await platform.hold(tx, due):
            return  # it was cancelled meanwhile
        case "pending" if not due.cancelling:
            await platform.note_try(tx, due.id, max(due.tries, 1), _PENDING_SECONDS, "the platform has not decided yet")
        case "accepted" if contract and not due.cancelling:
            if not await platform.confirm(tx, [ContractNews(1, contract, due.id)]):
                raise Unavailable("the advisory platform answers with a contract that is not this customer's")
        case _:
            raise Unavailable(f"the advisory platform answers {verdict.status} where that makes no sense")


async def _again(tx: Tx, due: Due, problem: str, settings: Settings) -> None:
    """Waits longer each time; after the last try a request has failed, and a subscription is not cancelled."""
    tries = due.tries + 1
    _log.warning("the advisory platform was not told", subscription=str(due.id), tries=tries, problem=problem)
    if tries < settings.advisory_tries:
        await platform.note_try(tx, due.id, tries, WAITS[min(tries, len(WAITS)) - 1], problem)
    elif due.cancelling:
        await platform.give_up_cancelling(tx, due.id, problem)
    else:
        await platform.decide(tx, due.id, "failed", "platform_unreachable")


async def _put(tx: Tx, contracts: list[PlatformContract], settings: Settings) -> None:
    newest = {one.contract_no: one for one in contracts}
    secret = digest_secret(settings)
    digests = [row_digest(secret, map(_text, msgspec.structs.astuple(one))) for one in newest.values()]
    await platform.put_contracts(tx, list(newest.values()), digests)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _outdated(due: Due) -> str:
    """Why the platform need not be asked: the product is not any more what the investor saw."""
    if due.product_status == "off":
        return "product_withdrawn"
    return "price_changed" if due.price != due.product_price else ""


def _order(due: Due) -> Order:
    return Order(due.id, due.customer_no, due.product_code, due.price, due.agreement_version, due.requested_at)


async def _give(
    tx: Tx, audience: Audience, subject: str, outcome: Outcome, words: Words, english: Words | None = None
) -> None:
    link, once = f"/subscriptions/{outcome.id}", f"subscription:{outcome.id}:{outcome.state}"
    (title, body), translated = _filled(words, outcome), _filled(english, outcome) if english else None
    await notice.give(tx, audience, subject, "subscription", title, body, link, english=translated, once=once)


def _filled(words: Words, outcome: Outcome) -> Words:
    title, body = words
    return title, body.format(product=outcome.product_name, customer=outcome.customer_name)
