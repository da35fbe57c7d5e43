"""A parameter that a route does not have, or has once, is told by name, and so is a body that is not there."""

import httpx
import pytest

from tests.api.conftest import SignIn


@pytest.mark.parametrize(
    ("query", "field", "code", "english"),
    [
        ("zzz=1", "zzz", "unknown", "there is no such parameter here"),
        ("Limit=1", "Limit", "unknown", "there is no such parameter here"),
        ("limit=1&limit=2", "limit", "repeated", "this parameter comes once"),
        ("limit=1&cursor=a&limit=2", "limit", "repeated", "this parameter comes once"),
    ],
)
async def test_a_parameter_that_is_not_offered_is_told(
    api: httpx.AsyncClient, sign_in: SignIn, query: str, field: str, code: str, english: str
) -> None:
    answer = await api.get(f"/v1/staff/jobs?{query}", headers=await sign_in())
    assert answer.status_code == 400
    assert answer.json()["errors"] == [{"field": field, "code": code, "message": english}]


async def test_who_is_not_signed_in_learns_nothing_of_it(api: httpx.AsyncClient) -> None:
    assert (await api.get("/v1/staff/jobs?zzz=1")).status_code == 401


async def test_all_are_told_at_once_and_in_chinese(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    headers = {**await sign_in(), "Accept-Language": "zh"}
    answer = await api.get("/v1/staff/jobs?a=1&b=2", headers=headers)
    assert [(one["field"], one["message"]) for one in answer.json()["errors"]] == [
        ("a", "没有此参数"),
        ("b", "没有此参数"),
    ]


@pytest.mark.parametrize("content_type", ["", "application/json"])
async def test_an_empty_body_is_said_to_be_empty(api: httpx.AsyncClient, sign_in: SignIn, content_type: str) -> None:
    headers = {**await sign_in(), "If-Match": '"0"', **({"Content-Type": content_type} if content_type else {})}
    answer = await api.put("/v1/staff/calendar/2026-11-23", content=b"", headers=headers)
    assert (answer.status_code, answer.json()["detail"]) == (400, "the body is empty, JSON is expected")
    assert "'data'" not in answer.text
