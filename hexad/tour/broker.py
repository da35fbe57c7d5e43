"""A broker signs in, sees exactly their own customers, and writes to some of them."""

import asyncio
import random
from uuid import uuid4

from hexad.simulators.rules import MAGIC
from hexad.tour.client import App, Json
from hexad.tour.promise import promised, until
from hexad.tour.stage import Stage

_EACH = 3
_LOOKED_AT = 60
_PAGE = 100


async def sees_their_own(stage: Stage) -> None:
    """A broker signs in and sees their own customers, and nobody else's."""
    cast = stage.cast
    stage.broker = await stage.staff(cast.broker.subject, cast.broker.password)
    stage.tell(f"broker {cast.broker.subject} signs in by password and authenticator")
    own = await _numbers(stage.broker)
    stage.tell(f"sees {len(own)} customers, who they serve or won")
    colleague = await stage.staff(cast.colleague.subject, cast.colleague.password)
    others = sorted(await _numbers(colleague) - own)
    promised(bool(others), f"broker {cast.broker.subject} sees all customers of {cast.colleague.subject}")
    for path in ("", "/accounts", "/contact"):
        await stage.broker.refused(404, "not_found", "GET", f"/customers/{others[0]}{path}")
    stage.tell(f"customer {others[0]} of broker {cast.colleague.subject} is not there: 404")


async def sends_care(stage: Stage) -> None:
    """A care message goes out by SMS and e-mail, and the gateways answer."""
    mailed, texted = await _chosen(stage.broker)
    mark = f"T{uuid4().hex[:8]}"
    body = {"template": "care", "values": {"words": f"天气转凉,请注意保暖。{mark}"}, "channels": ["email", "sms"],
            "customer_nos": [one["customer_no"] for one in (*mailed, *texted)]}  # fmt: skip
    key = uuid4().hex
    started = await stage.broker.post("/care-messages", body, key)
    again = await stage.broker.post("/care-messages", body, key)
    promised(again["id"] == started["id"], "the same Idempotency-Key starts a second care message")
    stage.tell(f"care for {started['total']} customers is on its way, asked for twice and started once")
    if stage.night:
        await _waits(stage, started["id"])
        return
    counts = await _finished(stage.broker, started["id"])
    good = {"delivered": len(texted), "sent": len(mailed)}
    found = {state: number for state, number in counts.items() if number}
    promised(found == good, f"of {started['total']} messages {_words(found)} instead of {_words(good)}")
    stage.tell(f"the gateways answer: {len(texted)} SMS delivered, {len(mailed)} e-mails taken; the states add up")
    await _arrived(stage, mark, mailed, texted)
    stage.tell("the mailbox shows each once, the e-mails with List-Unsubscribe")


async def _numbers(app: App) -> set[str]:
    page = await app.get("/customers", limit=_PAGE)
    numbers = {one["customer_no"] for one in page["items"]}
    while page["next"]:
        page = await app.get("/customers", limit=_PAGE, cursor=page["next"])
        numbers |= {one["customer_no"] for one in page["items"]}
    return numbers


async def _chosen(broker: App) -> tuple[list[Json], list[Json]]:
    """Customers who can be reached by e-mail, and others by SMS alone."""
    lines = (await broker.get("/customers", limit=_PAGE, status="normal", kind="individual"))["items"]
    reached = [one for one in lines if one["mobile"] and one["mobile"][-4:] not in MAGIC]
    mailed: list[Json] = []
    texted: list[Json] = []
    for line in random.sample(reached, min(_LOOKED_AT, len(reached))):
        customer = await broker.get(f"/customers/{line['customer_no']}")
        kind = mailed if customer["email"] else texted
        if len(kind) < _EACH:
            kind.append(customer)
        if len(mailed) == len(texted) == _EACH:
            break
    promised(bool(mailed and texted), "no customer is found whom e-mail reaches, or none whom SMS does")
    return mailed, texted


async def _finished(broker: App, broadcast_id: str) -> dict[str, int]:
    """The messages by state once nothing waits any more; at every look their sum must be the total."""

    async def look() -> dict[str, int] | None:
        progress = await broker.get(f"/broadcasts/{broadcast_id}")
        counts: dict[str, int] = progress["counts"]
        total = progress["total"]
        promised(sum(counts.values()) == total, f"{_words(counts)} are not the total of {total}")
        return counts if progress["broadcast"]["finished_at"] and not await _unanswered(broker, broadcast_id) else None

    return await until("the care message is done, with an answer for every SMS", look)


async def _unanswered(broker: App, broadcast_id: str) -> bool:
    """Whether an SMS waits for its receipt still."""
    sent = await broker.get(f"/broadcasts/{broadcast_id}/messages", state="sent")
    return any(one["channel"] == "sms" for one in sent["items"])


async def _waits(stage: Stage, broadcast_id: str) -> None:
    await asyncio.sleep(1)
    progress = await stage.broker.get(f"/broadcasts/{broadcast_id}")
    promised(progress["counts"]["queued"] == progress["total"], "a care message left at night")
    stage.tell(f"all of it waits: nobody is written to outside {stage.settings.service_hours}")


async def _arrived(stage: Stage, mark: str, mailed: list[Json], texted: list[Json]) -> None:
    for customer in texted:
        await stage.letters.expect("sms", customer["mobile"], mark)
    letters = stage.letters.saying(mark)
    emails = [one for one in letters if one.channel == "email"]
    promised(
        (len(emails), len(letters)) == (len(mailed), len(mailed) + len(texted)),
        f"{len(letters) - len(emails)} SMS and {len(emails)} e-mails arrived, not {len(texted)} and {len(mailed)}",
    )
    without = [one.to for one in emails if "List-Unsubscribe" not in one.headers]
    promised(not without, f"{len(without)} e-mails have no List-Unsubscribe")


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {state}" for state, number in counts.items() if number) or "none"
