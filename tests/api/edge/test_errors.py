"""Whatever a handler raises becomes a problem with the right status, and says nothing that it should not."""

import asyncpg
import pytest
from litestar import get
from litestar.exceptions import HTTPException
from litestar.testing import create_async_test_client

from api.edge.answer import Answer
from api.edge.errors import HANDLERS
from api.edge.request import HttpRequest
from kernel import errors


@pytest.mark.parametrize(
    ("raised", "status", "code"),
    [
        (errors.NotFound(), 404, "not_found"),
        (errors.InvalidInput("x"), 400, "invalid_input"),
        (errors.RateLimited(2.5), 429, "rate_limited"),
        (errors.QuotaUsedUp(wait=7.5), 429, "quota_used_up"),
        (errors.NotSignedIn(), 401, "not_signed_in"),
        (errors.WrongCredentials(), 401, "wrong_credentials"),
        (errors.Overloaded(), 503, "overloaded"),
        (asyncpg.NumericValueOutOfRangeError("secret value"), 400, "invalid_input"),
        (asyncpg.QueryCanceledError("secret value"), 503, "overloaded"),
        (asyncpg.LockNotAvailableError("secret value"), 503, "overloaded"),
        (asyncpg.DeadlockDetectedError("secret value"), 503, "overloaded"),
        (asyncpg.ConnectionDoesNotExistError("secret value"), 503, "unavailable"),
        (ConnectionRefusedError("secret value"), 503, "unavailable"),
        (asyncpg.UniqueViolationError("secret value"), 500, "internal"),
        (HTTPException("secret value", status_code=500), 500, "internal"),
        (ValueError("secret value"), 500, "internal"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
async def test_the_problem_fits_what_was_raised(raised: Exception, status: int, code: str) -> None:
    @get("/")
    async def fails() -> None:
        raise raised

    async with create_async_test_client(
        [fails],
        exception_handlers=HANDLERS,
        request_class=HttpRequest,
        response_class=Answer,
        openapi_config=None,
        raise_server_exceptions=False,
    ) as client:
        answer = await client.get("/", headers={"Accept-Language": "en"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "secret value" not in answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert ("retry-after" in answer.headers) == (status in (429, 503))
    assert answer.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)
