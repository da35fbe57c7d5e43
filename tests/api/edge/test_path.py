"""A slash that was sent as `%2F` belongs to a number, one that was sent as such parts the address."""

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.edge.path import keep_inner_slashes, with_slashes


def routed(raw: str) -> str:
    """The path by which a route is found."""
    scope: dict[str, Any] = {"raw_path": raw.encode(), "path": "/as/decoded/by/the/server"}
    keep_inner_slashes(scope)
    return str(scope["path"])


@pytest.mark.parametrize("raw", ["/v1/staff/customers", "/v1/%E5%BC%A0", "/"])
def test_without_one_the_server_s_own_path_stays(raw: str) -> None:
    assert routed(raw) == "/as/decoded/by/the/server"


def test_what_the_client_asked_is_no_part_of_the_path() -> None:
    assert routed("/a%2Fb?x=/c%2Fd") == "/a\0b"


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1), min_size=1))
def test_each_segment_comes_as_it_was_meant(segments: list[str]) -> None:
    raw = "/".join(quote(segment, safe="") for segment in segments)
    if "%2F" in raw:
        parts = routed(raw).split("/")
        meant = with_slashes({str(place): part for place, part in enumerate(parts)})
        assert list(meant.values()) == segments
