"""Whatever order words are said in, by whichever way: what customers withdrew themselves, they alone allow again."""

from collections.abc import AsyncIterator, Iterator
from itertools import count
from typing import Any

import httpx
import msgspec
import pytest

from kernel.security.crypto import Fields
from kernel.settings import Settings
from kernel.store.database import Database
from notifications.consent import unsubscribe
from tests.api.conftest import Open
from tests.api.signing import post, with_gateways
from tests.brokerage import Brokerage, small

ACTS = ("staff_ends", "staff_allows", "investor_ends", "investor_allows", "one_click_or_reply")
_STAFF, _INVESTOR = "/v1/staff/customers/88000001/consents", "/v1/investor/consents"


def every_order(kinds: int, length: int) -> list[int]:
    """A sequence in which every order of so many kinds stands once (de Bruijn), from Lyndon words."""
    word, found = [-1], list[int]()
    while word:
        word[-1] += 1
        if length % len(word) == 0:
            found += word
        word = (word * length)[:length]
        while word and word[-1] == kinds - 1:
            word.pop()
    return [*found, *found[: length - 1]]


def oracle(acts: Iterator[str]) -> Iterator[tuple[bool, str]]:
    """What each act is answered, and who said the word that is in force then: from the whole history, naively."""
    history: list[str] = []
    for act in acts:
        own = [one for one in history if not one.startswith("staff")]
        refused = act == "staff_allows" and bool(own) and own[-1] != "investor_allows"
        if not refused:
            history.append(act)
        yield refused, history[-1] if history else ""


class Ways:
    """Every way by which one customer's word about marketing reaches us, on one channel."""

    def __init__(self, api: httpx.AsyncClient, house: Brokerage, channel: str) -> None:
        self._api, self._house, self._channel, self._numbers = api, house, channel, count()
        self._said = {"purpose": "marketing", "channel": channel}

    async def open(self) -> None:
        """Signs both in."""
        self._staff = await self._house.headers("1001")
        self._investor = await self._house.headers("88000001", "investor")

    async def say(self, act: str) -> httpx.Response:
        """Says it."""
        said: dict[str, Any] = {**self._said, "allowed": act.endswith("allows")}
        if act.startswith("staff"):
            said["evidence"] = f"recorded call {next(self._numbers)}"
            return await self._api.put(_STAFF, json=said, headers=self._staff)
        if act.startswith("investor"):
            return await self._api.put(_INVESTOR, json=said, headers=self._investor)
        return await (self._reply() if self._channel == "sms" else self._click())

    async def words(self) -> list[dict[str, Any]]:
        """All that was said, as staff reads it."""
        words: list[dict[str, Any]] = (await self._api.get(_STAFF, headers=self._staff)).json()
        return [one for one in words if (one["purpose"], one["channel"]) == ("marketing", self._channel)]

    async def _reply(self) -> httpx.Response:
        item = {"schema": "hexad.inbound/1", "gateway": "cmcc-1", "gateway_id": f"R{next(self._numbers)}",
                "from": "+8613800000001", "to": "10690000", "text": "TD", "at": "2026-11-24T02:00:00Z"}  # fmt: skip
        return await post(self._api, "/inbound", {"items": [item]})

    async def _click(self) -> httpx.Response:
        customer = self._house.customers["88000001"]
        token = unsubscribe.token(Fields(self._house.settings), customer, "marketing")
        return await self._api.post(f"{unsubscribe.PATH}?token={token}", data={"List-Unsubscribe": "One-Click"})


@pytest.fixture
async def house(database: Database, own_settings: Settings) -> Brokerage:
    """Two branches with people in every role and six customers."""
    return await small(database, own_settings)


@pytest.fixture
async def api(open_api: Open, own_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    settings = msgspec.structs.replace(
        with_gateways(own_settings), rate_per_principal=100_000.0, rate_per_address=100_000.0
    )
    async with open_api(settings) as client:
        yield client


@pytest.mark.parametrize("channel", ["sms", "email"])
async def test_in_every_order_staff_allows_nothing_that_the_customer_withdrew(
    api: httpx.AsyncClient, house: Brokerage, channel: str
) -> None:
    ways = Ways(api, house, channel)
    await ways.open()
    acts = [ACTS[one] for one in every_order(len(ACTS), 3)]
    sources = {"staff": "staff", "investor": "investor", "one": "reply" if channel == "sms" else "link"}
    kept = 0
    for act, (refused, standing) in zip(acts, oracle(iter(acts)), strict=True):
        answer = await ways.say(act)
        if refused:
            assert (answer.status_code, answer.json()["code"]) == (409, "withdrawn_by_customer")
        else:
            assert answer.status_code == 200, answer.text
            kept += 1
            if not act.startswith("one"):
                said = answer.json()
                assert (said["source"], said["allowed"]) == (act.partition("_")[0], act.endswith("allows"))
        words = await ways.words()
        assert len(words) == min(kept, 200), "every word is kept, also one that repeats what holds"
        if standing:
            assert (words[0]["source"], words[0]["ended_at"]) == (sources[standing.partition("_")[0]], None)
            assert words[0]["allowed"] == standing.endswith("allows")
