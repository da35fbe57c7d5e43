"""The advisory platform (投顾平台) as its client sees it: every call ends in time, every answer is bounded and checked.

What is asked bears its own Idempotency-Key, so that asking again after an answer was lost changes nothing.
"""

import asyncio
import ssl
from itertools import pairwise
from types import TracebackType
from typing import Annotated, Self, TypeVar
from uuid import UUID

import httpx2
import msgspec
from msgspec import Meta, Struct

from kernel.errors import Unavailable
from kernel.settings import Settings, advisory_address
from kernel.store import outside
from mobile_contracts.product.advisory import ContractNews, Order, Verdict

CALL_SECONDS = 5.0
ANSWER_AT_MOST = 1 << 20
PAGE = 200
_Answer = TypeVar("_Answer")


class News(Struct, frozen=True):
    """A page of contracts: those that can be read, all their positions, and of these the ones that make no sense."""

    items: list[ContractNews]
    positions: list[int]
    nonsense: list[int]
    more: bool = False


class _Page(Struct, frozen=True):
    """A page, of which each contract is read by itself: one that makes no sense keeps no other back."""

    items: list[msgspec.Raw]
    more: bool = False


class _Positioned(Struct, frozen=True):
    """Whatever has a position."""

    position: Annotated[int, Meta(ge=1, le=2**62)]


class Advisory:
    """A client for as long as its block; every method raises `Unavailable` for what is away, slow or nonsense."""

    def __init__(self, settings: Settings) -> None:
        self._address = advisory_address(settings)
        self._seconds = min(CALL_SECONDS, settings.job_timeout / 4)  # a job outlives its call, and says what came of it
        headers = {"Accept-Encoding": "identity", "Content-Type": "application/json"}
        if settings.advisory_token:
            headers["Authorization"] = f"Bearer {settings.advisory_token}"
        self._client = httpx2.AsyncClient(
            timeout=self._seconds, follow_redirects=False, trust_env=False, headers=headers,
            verify=ssl.create_default_context() if self._address.startswith("https://") else False,
            limits=httpx2.Limits(max_connections=4),
        )  # fmt: skip

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def order(self, order: Order) -> Verdict:
        """Asks for a subscription, or how one stands that was asked for before."""
        return await self._call("POST", "/v1/subscriptions", Verdict, order, order.subscription_id)

    async def cancel(self, subscription_id: UUID) -> Verdict:
        """Asks to end a subscription; one that the platform never took, it will not take any more."""
        return await self._call("POST", f"/v1/subscriptions/{subscription_id}/cancel", Verdict, key=subscription_id)

    async def read(self, after: int) -> News:
        """Contracts that are new or changed after a position, in rising order."""
        page = await self._call("GET", f"/v1/contracts?after={after}&limit={PAGE}", _Page)
        news = _news(page)
        if len(news.positions) > PAGE or any(one >= other for one, other in pairwise([after, *news.positions])):
            raise Unavailable("the advisory platform's contracts do not come in rising order")
        return news

    async def _call(
        self, method: str, path: str, kind: type[_Answer], content: Order | None = None, key: UUID | None = None
    ) -> _Answer:
        status, body = await self._send(
            method, path, msgspec.json.encode(content) if content else b"", {"Idempotency-Key": str(key)} if key else {}
        )
        if status != 200:
            raise Unavailable(f"the advisory platform answers {status}")
        return _decoded(body, kind)

    async def _send(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        outside.call("the advisory platform")
        body = bytearray()
        try:
            async with (
                asyncio.timeout(2 * self._seconds),
                self._client.stream(method, self._address + path, content=content, headers=headers) as answer,
            ):
                async for part in answer.aiter_raw(16 << 10):
                    body += part
                    if len(body) > ANSWER_AT_MOST:
                        raise Unavailable("the advisory platform's answer is too large")
                return answer.status_code, bytes(body)
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, OSError) as error:
            raise Unavailable(f"the advisory platform does not answer: {type(error).__name__}") from error


def _decoded(body: bytes | msgspec.Raw, kind: type[_Answer]) -> _Answer:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Unavailable("the advisory platform answers nonsense") from error


def _news(page: _Page) -> News:
    """The page read; raises `Unavailable` where something has no position, as nobody could read on behind it."""
    positions = [_decoded(one, _Positioned).position for one in page.items]
    news = News([], positions, [], page.more)
    for position, one in zip(positions, page.items, strict=True):
        try:
            news.items.append(_decoded(one, ContractNews))
        except Unavailable:
            news.nonsense.append(position)
    return news
