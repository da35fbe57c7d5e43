"""A broker signs in, sees exactly their own customers, and writes to some of them."""

import asyncio
import random
from functools import partial
from uuid import uuid4

from hexad.simulators.rules import MAGIC
from hexad.tour.client import App, Json
from hexad.tour.promise import promised, until
from hexad.tour.stage import Stage

_EACH = 3
_LOOKED_AT = 60
_ASKED_ABOUT = 5
_PAGE = 100
_ENDS = {"sms": "delivered", "email": "sent"}
"""How a message ends well: for an e-mail that the relay took nobody says more."""


async def sees_their_own(stage: Stage) -> None:
    """A broker signs in and sees their own customers, and nobody else's."""
    cast = stage.cast
    stage.broker = await stage.staff(cast.broker.subject, cast.broker.password)
    stage.tell(f"broker {cast.broker.subject} signs in by password and authenticator")
    own = await _numbers(stage.broker)
    for number in random.sample(sorted(own), min(_ASKED_ABOUT, len(own))):
        relations = await stage.broker.get(f"/customers/{number}/relations")
        theirs = any(one["employee_no"] == cast.broker.subject for one in relations)
        promised(theirs, f"broker {cast.broker.subject} sees customer {number}, whom they do not look after")
    stage.tell(f"sees the {len(own)} customers whom they look after")
    colleague = await stage.staff(cast.colleague.subject, cast.colleague.password)
    others = sorted(await _numbers(colleague) - own)
    promised(bool(others), f"broker {cast.broker.subject} sees all customers of {cast.colleague.subject}")
    for path in ("", "/accounts", "/contact"):
        await stage.broker.refused(404, "not_found", "GET", f"/customers/{others[0]}{path}")
    stage.tell(f"customer {others[0]} of broker {cast.colleague.subject} is not there: 404")


async def sends_care(stage: Stage) -> None:
    """A care message goes out by SMS and e-mail, and the gateways answer."""
    chosen = await _chosen(stage.broker)
    mark = f"T{uuid4().hex[:8]}"
    body = {"template": "care", "values": {"words": f"天气转凉,请注意保暖。{mark}"}, "channels": ["email", "sms"],
            "customer_nos": chosen}  # fmt: skip
    key = uuid4().hex
    started = await stage.broker.post("/care-messages", body, key)
    again = await stage.broker.post("/care-messages", body, key)
    promised(again["id"] == started["id"], "the same Idempotency-Key starts a second care message")
    stage.tell(f"care for {started['total']} customers is on its way, asked for twice and started once")
    if stage.night:
        await _waits(stage, started["id"])
        return
    texted, mailed = await _answered(stage.broker, started)
    stage.tell(f"the gateways answer: {len(texted)} SMS delivered, {len(mailed)} e-mails taken; the states add up")
    await _arrived(stage, mark, texted, mailed)
    stage.tell("the mailbox shows each once, the e-mails with List-Unsubscribe")


async def _numbers(app: App) -> set[str]:
    page = await app.get("/customers", limit=_PAGE)
    numbers = {one["customer_no"] for one in page["items"]}
    while page["next"]:
        page = await app.get("/customers", limit=_PAGE, cursor=page["next"])
        numbers |= {one["customer_no"] for one in page["items"]}
    return numbers


async def _chosen(broker: App) -> list[str]:
    """Numbers of customers who can be reached by e-mail, and of others by SMS alone."""
    lines = (await broker.get("/customers", limit=_PAGE, status="normal", kind="individual"))["items"]
    reached = [one for one in lines if one["mobile"] and one["mobile"][-4:] not in MAGIC]
    mailed: list[str] = []
    texted: list[str] = []
    for line in random.sample(reached, min(_LOOKED_AT, len(reached))):
        customer = await broker.get(f"/customers/{line['customer_no']}")
        kind = mailed if customer["email"] else texted
        if len(kind) < _EACH:
            kind.append(customer["customer_no"])
        if len(mailed) == len(texted) == _EACH:
            break
    promised(bool(mailed and texted), "no customer is found whom e-mail reaches, or none whom SMS does")
    return [*mailed, *texted]


async def _answered(broker: App, started: Json) -> tuple[list[Json], list[Json]]:
    """The SMS that were delivered and the e-mails that were taken, once each has its answer; few are skipped."""
    await until("each message has its answer", partial(_at_the_end, broker, started["id"]))
    messages = (await broker.get(f"/broadcasts/{started['id']}/messages", limit=_PAGE))["items"]
    astray = [one for one in messages if one["state"] not in (_ENDS[one["channel"]], "skipped")]
    kinds = sorted({f"{one['channel']} {one['state']}" for one in astray})
    promised(not astray, f"{len(astray)} of {started['total']} messages did not arrive: {', '.join(kinds)}")
    texted, mailed = ([one for one in messages if (one["channel"], one["state"]) == end] for end in _ENDS.items())
    promised(bool(texted and mailed), f"{len(texted)} SMS and {len(mailed)} e-mails left, the others were skipped")
    return texted, mailed


async def _at_the_end(broker: App, broadcast_id: str) -> bool | None:
    """True once nothing waits any more; at every look the sum over the states must be the total."""
    progress = await broker.get(f"/broadcasts/{broadcast_id}")
    counts: dict[str, int] = progress["counts"]
    total = progress["total"]
    promised(sum(counts.values()) == total, f"the states add up to {sum(counts.values())}, not to {total}")
    if not progress["broadcast"]["finished_at"] or await _unanswered(broker, broadcast_id):
        return None
    return True


async def _unanswered(broker: App, broadcast_id: str) -> bool:
    """Whether an SMS waits for its receipt still."""
    sent = await broker.get(f"/broadcasts/{broadcast_id}/messages", state="sent")
    return any(one["channel"] == "sms" for one in sent["items"])


async def _waits(stage: Stage, broadcast_id: str) -> None:
    await asyncio.sleep(1)
    progress = await stage.broker.get(f"/broadcasts/{broadcast_id}")
    promised(progress["counts"]["queued"] == progress["total"], "a care message left at night")
    stage.tell(f"all of it waits: nobody is written to outside {stage.settings.service_hours}")


async def _arrived(stage: Stage, mark: str, texted: list[Json], mailed: list[Json]) -> None:
    for message in texted:
        mask = (await stage.broker.get(f"/customers/{message['customer_no']}"))["mobile"]
        await stage.letters.expect("sms", mask, mark)
    letters = stage.letters.saying(mark)
    emails = [one for one in letters if one.channel == "email"]
    promised(
        (len(letters) - len(emails), len(emails)) == (len(texted), len(mailed)),
        f"{len(letters) - len(emails)} SMS and {len(emails)} e-mails arrived, not {len(texted)} and {len(mailed)}",
    )
    without = [one for one in emails if "List-Unsubscribe" not in one.headers]
    promised(not without, f"{len(without)} e-mails have no List-Unsubscribe")
