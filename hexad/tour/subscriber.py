"""Investors learn what suits them, are kept from what is too risky, and subscribe to what is not."""

from datetime import UTC, datetime
from uuid import uuid4

from hexad.tour.client import App, Json
from hexad.tour.promise import promised, until
from hexad.tour.stage import Stage


async def subscribe(stage: Stage) -> None:
    """An investor is assessed, is refused what is too risky, and subscribes to what fits."""
    one, other = stage.cast.subscribers
    investor = await stage.investor(one.subject, one.password)
    level = await _assessed(investor)
    stage.tell(f"investor {one.subject} answers the questionnaire: C{level}")
    offers = (await investor.get("/products", limit=100))["items"]
    await _refused(stage, investor, offers)
    suitable = [offer for offer in offers if offer["suitable"] and not offer["subscribed"]]
    promised(bool(suitable), f"no product suits an investor of C{level}")
    fit = max(suitable, key=lambda offer: int(offer["risk_level"]))
    stage.product_code = fit["product_code"]
    stage.tell(f"{fit['product_code']} {fit['name']} (R{fit['risk_level']}) suits")
    kept = await _subscribe(stage, investor, "in_app")
    stage.tell(f"subscribes with a code by SMS; the advisory platform gives contract {kept['contract_no']}")
    await stage.broker_line.get("notice", kind="subscription", link=f"/subscriptions/{kept['id']}")
    stage.tell("the broker's phone shows the notice")
    second = await stage.investor(other.subject, other.password)
    await _assessed(second)
    await _subscribe(stage, second, "sms")
    stage.subscribers = (investor, second)
    stage.tell(f"investor {other.subject} subscribes too, and wants views by SMS")


async def _assessed(investor: App) -> int:
    """The level that answers in the middle give."""
    asked = await investor.get("/questionnaire")
    answers = [
        {"number": one["number"], "letter": one["choices"][len(one["choices"]) // 2]["letter"]}
        for one in asked["questions"]
    ]
    found = await investor.post("/assessments", {"version": asked["version"], "answers": answers})
    level: int = found["risk_level"]
    promised(1 <= level < 5, f"answers in the middle give C{level}")
    return level


async def _refused(stage: Stage, investor: App, offers: list[Json]) -> None:
    too_risky = [offer for offer in offers if offer["reason"] == "risk_too_high"]
    promised(bool(too_risky), "no product is too risky for them")
    risky = too_risky[0]
    body = await _wanted(investor, risky["product_code"], "000000", "in_app")
    await investor.refused(409, "risk_too_high", "POST", "/subscriptions", body)
    stage.tell(f"{risky['product_code']} {risky['name']} (R{risky['risk_level']}) is refused: too risky")


async def _subscribe(stage: Stage, investor: App, channel: str) -> Json:
    """The subscription, once the platform has confirmed it; asked for twice, it is one."""
    code_path, asked = f"/products/{stage.product_code}/code", datetime.now(UTC)
    await investor.post(code_path)
    code = await stage.letters.code((await investor.get("/me"))["mobile"], asked)
    body, key = await _wanted(investor, stage.product_code, code, channel), uuid4().hex
    kept, again = await investor.post("/subscriptions", body, key), await investor.post("/subscriptions", body, key)
    promised(kept["id"] == again["id"], "the same Idempotency-Key subscribes twice")

    async def decided() -> Json | None:
        found: Json = await investor.get(f"/subscriptions/{kept['id']}")
        return found if found["state"] != "requested" else None

    found = await until("the advisory platform decides on the subscription", decided)
    promised(found["state"] == "confirmed", f"the subscription is {found['state']}: {found['reason']}")
    return found


async def _wanted(investor: App, product_code: str, code: str, channel: str) -> Json:
    """A subscription as the terminal shows it."""
    shown = await investor.get(f"/products/{product_code}")
    return {"product_code": product_code, "price": shown["offer"]["price"], "code": code, "channel": channel,
            "agreement_version": shown["agreement"]["version"]}  # fmt: skip
