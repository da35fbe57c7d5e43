"""A small brokerage with products, a simulated advisory platform on a port of its own, and investors who subscribe."""

from typing import Any
from uuid import UUID

import httpx
import msgspec

from hexad.simulators.advisory import Platform
from kernel.queues.broker import make_queues
from kernel.security.crypto import Fields, Place
from kernel.security.scope import apply_system
from kernel.settings import Settings
from kernel.store.database import Database
from tests.brokerage import Brokerage
from workers import handlers
from workers.runtime.registry import Means, find, handlers_of

__all__ = ["handlers"]

_PRODUCTS = (("P1", "稳健组合", 1), ("P3", "成长组合", 3), ("P5", "进取组合", 5))
_PRODUCT = """
insert into product (product_code, name, category, risk_level, price, period_days, status, source, digest)
values ($1, $2, 'advisory', $3, 1200, 365, 'on', 'advisory', '')"""


async def stocked(house: Brokerage) -> None:
    """Three products of rising risk; customer 1 was found to be C3 yesterday, 2 two years ago; 3 never."""
    for code, name, level in _PRODUCTS:
        await house.execute(_PRODUCT, code, name, level)
    await house.execute("update customer set risk_assessed_on = null, risk_level = null")
    for number, days in (("88000001", 1), ("88000002", 731)):
        await house.execute(
            "update customer set risk_level = 3, risk_assessed_on = current_date - $2::integer where customer_no = $1",
            number,
            days,
        )
    await house.execute(
        "update employee set licence_kind = 'investment_adviser', licence_valid_to = current_date + 1"
        " where employee_no = '2001'"
    )


class Investor:
    """Somebody at the terminal."""

    def __init__(self, api: httpx.AsyncClient, house: Brokerage, headers: dict[str, str], customer_no: str) -> None:
        self.api, self.house, self.headers, self.customer_no = api, house, headers, customer_no
        self._number = 0

    @classmethod
    async def at(cls, api: httpx.AsyncClient, house: Brokerage, no: str = "88000001") -> "Investor":
        """The customer of this number, signed in."""
        return cls(api, house, await house.headers(no, "investor"), no)

    async def get(self, path: str, **query: Any) -> httpx.Response:
        """Reads."""
        return await self.api.get(f"/v1/investor{path}", params=query, headers=self.headers)

    async def post(self, path: str, body: dict[str, Any] | None = None, key: str = "") -> httpx.Response:
        """Sends, under a key of its own unless one is given."""
        self._number += 1
        headers = {**self.headers, "Idempotency-Key": key or f"{self.customer_no}-{id(self)}-{self._number}"}
        return await self.api.post(f"/v1/investor{path}", json=body, headers=headers)

    async def code(self, product_code: str = "P3") -> str:
        """Asks for a code, and reads the SMS."""
        answer = await self.post(f"/products/{product_code}/code")
        assert answer.status_code == 202, answer.text
        return await self.sent()

    async def sent(self) -> str:
        """The code in the last SMS."""
        async with self.house.database.transaction() as tx:
            row = await tx.fetchrow(
                "select id, sealed from one_time_code where purpose = 'subscribe' and subject = $1"
                " order by created_at desc, id desc limit 1",
                self.customer_no,
            )
        assert row
        return Fields(self.house.settings).open(row["sealed"], Place("one_time_code", "sealed", str(row["id"])))

    async def subscribe(
        self, product_code: str = "P3", code: str | None = None, key: str = "", **changes: Any
    ) -> httpx.Response:  # fmt: skip
        """Subscribes with what the terminal shows, or with these changes."""
        given = code if code is not None else await self.code(product_code)
        body = {"product_code": product_code, "price": "1200", "agreement_version": 1, "code": given, **changes}
        return await self.post("/subscriptions", body, key)

    async def state(self, subscription_id: str) -> dict[str, Any]:
        """How a subscription stands."""
        found: dict[str, Any] = (await self.get(f"/subscriptions/{subscription_id}")).json()
        return found


async def answers(investor: Investor, wish: str = "most") -> dict[str, Any]:
    """The questionnaire, each question answered with the last choice (the first for another wish)."""
    asked = (await investor.get("/questionnaire")).json()
    place = -1 if wish == "most" else 0
    chosen = [{"number": one["number"], "letter": one["choices"][place]["letter"]} for one in asked["questions"]]
    return {"version": asked["version"], "answers": chosen}


async def happen(database: Database, settings: Settings) -> list[str]:
    """Does all that follows from what was done, as workers do; gives the kinds of the events."""
    kinds: list[str] = []
    means = Means(settings, make_queues(settings), database)
    while True:
        async with database.transaction() as tx:
            rows = await tx.fetch("delete from outbox where available_at <= now() returning id, kind, payload")
        if not rows:
            return kinds
        for row in sorted(rows, key=lambda one: one["id"]):
            kinds.append(row["kind"])
            for name in handlers_of(row["kind"]):
                handler = find(name)
                if handler is None or name == "send_code":
                    continue
                event = msgspec.json.decode(row["payload"], type=handler.event)
                await handler.send(event, means)
                async with database.transaction() as tx:
                    await handler.run(tx, event)


async def told(house: Brokerage, audience: str, subject: str, language: str = "zh") -> list[tuple[str, str]]:
    """Title and text of the notices that somebody was given."""
    suffix = {"zh": "", "en": "_en"}[language]
    async with house.database.transaction() as tx:
        await apply_system(tx, "test", kind="company")
        rows = await tx.fetch(
            "select title, body, title_en, body_en from notice where audience = $1 and subject = $2 order by id",
            audience,
            subject,
        )
    return [(row[f"title{suffix}"], row[f"body{suffix}"]) for row in rows]


def contract_of(platform: Platform, subscription_id: str) -> Any:
    """The contract that the platform made, null when it has none."""
    return platform.ledger._taken[UUID(subscription_id)].contract
