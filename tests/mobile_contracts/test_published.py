"""What is published is read by other languages than Python."""

import re

import msgspec
import pytest

from api.routes import documents_of
from mobile_contracts.published import published
from realtime import asyncapi


def test_the_end_of_a_pattern_is_written_as_others_write_it() -> None:
    made = published(
        {"properties": {"pattern": {"type": "string", "pattern": r"^[0-9]{6}\Z"}}, "required": ["pattern"]}
    )
    assert made == {"properties": {"pattern": {"type": "string", "pattern": "^[0-9]{6}$"}}, "required": ["pattern"]}


@pytest.mark.parametrize("audience", ["staff", "investor", "gateway", "auth"])
def test_no_document_has_an_end_that_only_python_knows(audience: str) -> None:
    assert rb"\\Z" not in msgspec.json.encode(documents_of()[audience])


def test_the_protocol_of_the_chat_has_none_either() -> None:
    assert re.search(r"\\Z", asyncapi.text()) is None
