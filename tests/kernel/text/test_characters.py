"""JSON that was cut in the middle of a character stays JSON; everything else stays as it is."""

import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from kernel.text.characters import whole

# Every code point, halves of pairs among them, as a program writes them that counts in UTF-16.
TEXT = st.text(st.characters(exclude_categories=()) | st.sampled_from("\ud83d\udc00\\u"))


@given(TEXT)
def test_whatever_was_cut_can_be_read(text: str) -> None:
    # Two halves that met are one character again; a half alone is U+FFFD.
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    written = whole(json.dumps(text).encode())
    assert msgspec.json.decode(written) == joined


@given(st.text())
def test_what_is_whole_stays_as_it_is(text: str) -> None:
    for written in (json.dumps(text).encode(), msgspec.json.encode(text)):
        assert whole(written) == written
