"""A contract may grow: what a client of today relies on stays, in both directions."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobile_contracts.compatibility import differences, resolved

OBJECT: dict[str, Any] = {
    "type": "object",
    "properties": {"a": {"type": "string", "maxLength": 9}, "b": {"type": "array", "items": {"type": "integer"}}},
    "required": ["a"],
}
types = st.sampled_from(["string", "integer", "boolean"]).map(lambda kind: {"type": kind})
schemas = st.recursive(
    types,
    lambda inner: st.dictionaries(st.text(max_size=3), inner, max_size=3).map(
        lambda properties: {"type": "object", "properties": properties, "required": sorted(properties)}
    ),
    max_leaves=8,
)


@given(schemas, st.booleans())
def test_nothing_breaks_itself(schema: dict[str, Any], sent: bool) -> None:
    assert list(differences("x", schema, schema, sent_by_client=sent)) == []


@pytest.mark.parametrize(
    ("changed", "sent", "found"),
    [
        ({**OBJECT, "required": ["a", "b"]}, True, ["x.b is required now"]),
        ({**OBJECT, "required": ["a", "b"]}, False, []),
        ({**OBJECT, "required": []}, True, []),
        ({**OBJECT, "required": []}, False, ["x.a may be missing now"]),
        ({**OBJECT, "properties": {"a": {"type": "string", "maxLength": 5}, "b": OBJECT["properties"]["b"]}}, True,
         ["x.a has a narrower maxLength"]),
        ({**OBJECT, "properties": {"a": {"type": "string", "maxLength": 5}, "b": OBJECT["properties"]["b"]}}, False, []),
        ({**OBJECT, "properties": {"a": OBJECT["properties"]["a"], "b": {"type": "array", "items": {"type": "string"}}}},
         False, ["x.b[] changed its type"]),
    ],
)  # fmt: skip
def test_what_one_side_gains_the_other_may_lose(changed: dict[str, Any], sent: bool, found: list[str]) -> None:
    assert list(differences("x", OBJECT, changed, sent_by_client=sent)) == found


def test_references_are_followed_wherever_they_stand() -> None:
    document = {"a": {"$ref": "#/b"}, "b": [{"$ref": "#/c"}], "c": 1}
    assert resolved(document, document["a"]) == [1]
