"""Schemas of requests say that they take no further fields; those of answers leave room for some."""

from typing import Any

import msgspec
import pytest

from api.edge.closed import close_inputs
from api.routes import documents_of
from mobile_contracts.base import Answer, Input

DOCUMENTS = documents_of()


class ClosedPart(Input, frozen=True):
    """A part of a request."""

    a: int


class ClosedRequest(Input, frozen=True):
    """A request."""

    parts: list[ClosedPart]


class OpenAnswer(Answer, frozen=True):
    """An answer."""

    part: ClosedPart


def body(kind: type) -> dict[str, Any]:
    """A body of this kind as a document refers to it."""
    return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{kind.__name__}"}}}}


def test_requests_are_closed_and_what_answers_share_stays_open() -> None:
    kinds = (ClosedRequest, ClosedPart, OpenAnswer)
    _, schemas = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    for schema in schemas.values():
        schema.pop("additionalProperties", None)
    asked: dict[str, Any] = {"requestBody": body(ClosedRequest), "responses": {}}
    document = {"paths": {"/x": {"post": asked}}, "components": {"schemas": schemas}}
    asked["responses"]["200"] = body(OpenAnswer)
    close_inputs(document)
    assert [name for name, one in schemas.items() if "additionalProperties" in one] == ["ClosedRequest"]
    asked["responses"].clear()
    close_inputs(document)
    assert {name for name, one in schemas.items() if "additionalProperties" in one} == {"ClosedRequest", "ClosedPart"}


@pytest.mark.parametrize("audience", sorted(DOCUMENTS))
def test_every_body_of_a_request_is_closed(audience: str) -> None:
    schemas = DOCUMENTS[audience]["components"]["schemas"]
    closed = {name for name, schema in schemas.items() if schema.get("additionalProperties") is False}
    asked = {
        told["content"]["application/json"]["schema"].get("$ref", "").rpartition("/")[2]
        for path in DOCUMENTS[audience]["paths"].values()
        for operation in path.values()
        if (told := operation.get("requestBody")) and "application/json" in told["content"]
    } - {""}
    assert closed
    assert asked <= closed
