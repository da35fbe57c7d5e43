"""What does not fit a contract is named by its field, in both languages."""

from typing import Annotated, Any

import msgspec
import pytest

from api.edge.validation import field_error
from mobile_contracts.base import Input


class Inner(Input, frozen=True):
    """A part of a request."""

    count: Annotated[int, msgspec.Meta(ge=1, le=5)]


class Outer(Input, frozen=True):
    """A request."""

    name: Annotated[str, msgspec.Meta(max_length=3)]
    inner: list[Inner] = msgspec.field(default_factory=list)


@pytest.mark.parametrize(
    ("body", "field", "chinese"),
    [
        ({}, "name", "缺少必填字段 name"),
        ({"name": 1}, "name", "应为 文本,实际为 整数"),
        ({"name": "abcd"}, "name", "长度不得超过 3"),
        ({"name": "a", "x": 1}, "x", "含有未知字段 x"),
        ({"name": "a", "inner": [{"count": 9}]}, "inner[0].count", "不得大于 5"),
        ({"name": "a", "inner": [{"count": 0}]}, "inner[0].count", "不得小于 1"),
        ({"name": "a", "inner": [{}]}, "inner[0].count", "缺少必填字段 count"),
    ],
)
def test_the_field_and_the_reason_are_told(body: Any, field: str, chinese: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(msgspec.json.encode(body), type=Outer)
    told = field_error("", str(caught.value))
    assert (told.field, told.message_zh) == (field, chinese)
    assert " - at `" not in told.message


def test_a_parameter_that_is_missing_is_named() -> None:
    told = field_error("", "Missing required query parameter 'reason' for path /v1/staff/people/1/sessions")
    assert (told.field, told.message_zh) == ("reason", "缺少参数 reason")
