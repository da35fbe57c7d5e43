"""A message is JSON in UTF-8, whichever broker it is for."""

import pytest

from kernel.errors import InvalidInput
from kernel.queues.client import checked


@pytest.mark.parametrize("body", [b"{}", b"[1]", b'"\xe4\xb8\xad"'])
def test_json_passes_as_it_is(body: bytes) -> None:
    assert checked(body) == body


@pytest.mark.parametrize("body", [b"", b"{", b"NaN", b"{} {}", b'"\xff"', b"\xef\xbb\xbf{}"])
def test_anything_else_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        checked(body)
