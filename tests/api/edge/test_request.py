"""A NUL is found however it is written, and a backslash before `u0000` is only a backslash."""

from typing import Any

import pytest
from litestar import post
from litestar.params import JSONBody
from litestar.testing import create_async_test_client

from api.edge.errors import HANDLERS
from api.edge.request import HttpRequest


@post("/", status_code=200)
async def echo(data: JSONBody[Any]) -> Any:
    """Answers what it was sent."""
    return data


async def status(body: bytes) -> int:
    """The status of an answer to this body."""
    async with create_async_test_client(
        [echo], request_class=HttpRequest, exception_handlers=HANDLERS, openapi_config=None
    ) as client:
        return (await client.post("/", content=body, headers={"Content-Type": "application/json"})).status_code


@pytest.mark.parametrize("text", [rb'"\u0000"', rb'"a\\\u0000"', rb'{"\u0000": 1}', b"[" * 100_000, b'"\xff"'])
async def test_what_no_phone_means_is_refused(text: bytes) -> None:
    assert await status(text) == 400


@pytest.mark.parametrize("text", [rb'"\\u0000"', rb'"\\\\u0000"', rb'"u0000"', '"汉字 🙂"'.encode()])
async def test_what_only_looks_like_it_is_not(text: bytes) -> None:
    assert await status(text) == 200
