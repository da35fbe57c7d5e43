"""A contract may grow: what a client of today relies on stays, in both directions."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobile_contracts.compatibility import WIDENED, differences, resolved

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


A, B = OBJECT["properties"]["a"], OBJECT["properties"]["b"]
SHORTER = {"type": "string", "maxLength": 5}
RETYPED = {"type": "array", "items": {"type": "string"}}


@pytest.mark.parametrize(
    ("changed", "sent", "found"),
    [
        ({"required": ["a", "b"]}, True, ["x.b is required now"]),
        ({"required": ["a", "b"]}, False, []),
        ({"required": []}, True, []),
        ({"required": []}, False, ["x.a may be missing now"]),
        ({"properties": {"a": SHORTER, "b": B}}, True, ["x.a has a narrower maxLength"]),
        ({"properties": {"a": SHORTER, "b": B}}, False, []),
        ({"properties": {"a": A, "b": RETYPED}}, False, ["x.b[] changed its type"]),
    ],
)
def test_what_one_side_gains_the_other_may_lose(changed: dict[str, Any], sent: bool, found: list[str]) -> None:
    assert list(differences("x", OBJECT, {**OBJECT, **changed}, sent_by_client=sent)) == found


@pytest.mark.parametrize(
    ("later", "found"),
    [
        ([{"type": "object", "properties": {"a": A, "b": B, "c": A}, "required": ["a", "c"]}, {"type": "null"}], []),
        ([{**OBJECT, "required": []}, {"type": "null"}], ["x.a may be missing now"]),
        ([OBJECT, {"type": "string"}], ["x changed its type"]),
        ([OBJECT], ["x changed its type"]),
    ],
)
def test_one_of_several_shapes_may_grow_like_any_other(later: list[dict[str, Any]], found: list[str]) -> None:
    before = {"anyOf": [OBJECT, {"type": "null"}]}
    assert list(differences("x", before, {"anyOf": later}, sent_by_client=False)) == found


def test_references_are_followed_wherever_they_stand() -> None:
    document = {"a": {"$ref": "#/b"}, "b": [{"$ref": "#/c"}], "c": 1}
    assert resolved(document, document["a"]) == [1]


@pytest.mark.parametrize("old", WIDENED)
@pytest.mark.parametrize(("sent", "found"), [(True, []), (False, ["x changed its pattern"])])
def test_a_pattern_that_takes_more_asks_no_more_of_a_client(old: str, sent: bool, found: list[str]) -> None:
    schemas = {"type": "string", "pattern": old}, {"type": "string", "pattern": WIDENED[old]}
    assert list(differences("x", *schemas, sent_by_client=sent)) == found
    assert list(differences("x", schemas[1], schemas[0], sent_by_client=True)) == ["x changed its pattern"]


@given(st.data())
def test_what_fitted_a_pattern_fits_the_wider_one(data: st.DataObject) -> None:
    old = data.draw(st.sampled_from(sorted(WIDENED)))
    text = data.draw(st.from_regex(old.replace("$", r"\Z"), fullmatch=True))
    assert re.search(WIDENED[old].replace("$", r"\Z"), text)
