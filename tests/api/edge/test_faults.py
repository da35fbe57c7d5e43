"""Every field that does not fit is named by its path, with a code and words in both languages."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

import httpx
import msgspec
import pytest
from msgspec import Meta

from api.edge.faults import faults
from mobile_contracts.base import Input, Reason, Text
from mobile_contracts.messaging.gateway import Items
from tests.api.conftest import SignIn


class Part(Input, frozen=True):
    """A part of a request."""

    count: Annotated[int, Meta(ge=1, le=5)]
    code: Annotated[str, Meta(pattern=r"^[a-z]+\Z")] | None = None


class Whole(Input, frozen=True):
    """A request."""

    name: Annotated[str, Meta(max_length=3)]
    day: date
    kind: Literal["a", "b"] = "a"
    parts: list[Part] = msgspec.field(default_factory=list)
    values: dict[str, Annotated[str, Meta(max_length=2)]] = msgspec.field(default_factory=dict)
    main: Part | None = None
    at: Annotated[datetime, Meta(tz=True)] | None = None
    note: Text = ""
    why: Reason = "because"


def told(body: Any) -> set[tuple[str, str]]:
    """Field and code of each fault."""
    encoded = msgspec.json.encode(body)
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(encoded, type=Whole)
    found = faults(encoded, Whole, caught.value)
    for one in found:
        assert any("\u4e00" <= letter <= "\u9fff" for letter in one.message_zh), one
        assert not {"$", "\\", "[...]", "`", "^"} & {*one.message, *one.message_zh, one.field}, one
        assert "regex" not in one.message
    return {(one.field, one.code) for one in found}


def test_a_list_of_anything_that_is_too_long_is_one_fault() -> None:
    body = msgspec.json.encode({"items": [{}] * 1001})
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(body, type=Items)
    assert [(one.field, one.code) for one in faults(body, Items, caught.value)] == [("items", "too_long")]


GOOD = {"name": "abc", "day": "2026-11-23"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {("name", "missing"), ("day", "missing")}),
        ({"name": 1, "day": "soon"}, {("name", "type"), ("day", "date")}),
        ({"name": "abcd", "day": None, "x": 1, "y": 2},
         {("name", "too_long"), ("day", "type"), ("x", "unknown"), ("y", "unknown")}),
        ({**GOOD, "kind": "c", "at": "2026-11-23T10:00:00"}, {("kind", "choice"), ("at", "timezone")}),
        ({**GOOD, "parts": [{"count": 9}, {"count": 1}, {"count": 0, "code": "A"}, {}]},
         {("parts[0].count", "too_large"), ("parts[2].count", "too_small"), ("parts[2].code", "format"),
          ("parts[3].count", "missing")}),
        ({**GOOD, "values": {"sum": "123", "day": "12", "other": 3}},
         {("values.sum", "too_long"), ("values.other", "type")}),
        ({**GOOD, "main": {"count": 7, "z": 1}}, {("main.count", "too_large"), ("main.z", "unknown")}),
        ({**GOOD, "note": "a\nb", "why": "  x"}, {("note", "control"), ("why", "too_short")}),
        ({**GOOD, "parts": {}}, {("parts", "type")}),
        ([], {("", "type")}),
    ],
)  # fmt: skip
def test_every_fault_is_named(body: Any, expected: set[tuple[str, str]]) -> None:
    assert told(body) == expected


def test_a_body_of_nothing_but_faults_is_told_in_bounds() -> None:
    assert len(told({**GOOD, "parts": [{}] * 3000})) == 50


def test_the_values_that_are_allowed_are_named() -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert({**GOOD, "kind": "c"}, Whole)
    (one,) = faults(msgspec.json.encode({**GOOD, "kind": "c"}), Whole, caught.value)
    assert (one.message, one.message_zh) == ("'c' is none of a, b", "取值无效 'c',应为其中之一:a, b")


@pytest.mark.parametrize(
    ("language", "words"), [("en", "must be true or false, not text"), ("zh", "应为 true 或 false")]
)
async def test_a_route_tells_them_in_the_readers_language(
    api: httpx.AsyncClient, sign_in: SignIn, language: str, words: str
) -> None:
    headers = {**await sign_in(), "If-Match": '"0"', "Accept-Language": language}
    body = {"open": "yes", "note": "x" * 5000, "more": 1}
    answer = await api.put("/v1/staff/calendar/2026-11-23", json=body, headers=headers)
    errors = {one["field"]: one for one in answer.json()["errors"]}
    assert {field: one["code"] for field, one in errors.items()} == {
        "open": "type", "note": "too_long", "more": "unknown",
    }  # fmt: skip
    assert words in errors["open"]["message"]
