"""What rows, messages, clients and operators bear is named as it was released, whatever the code calls it."""

import msgspec
import pytest

from hexad.names import FILE, gone, names
from tests.house.test_files import ROOT

RELEASED: dict[str, list[str]] = msgspec.json.decode((ROOT / "docs" / "released" / FILE).read_bytes())


def test_no_name_that_was_released_is_gone() -> None:
    assert gone(RELEASED, names()) == []
    assert RELEASED.keys() == names().keys()
    assert all(RELEASED.values())


@pytest.mark.parametrize("what", sorted(RELEASED))
def test_a_name_that_goes_is_found(what: str) -> None:
    now = names()
    lost = now[what].pop(now[what].index(RELEASED[what][0]))
    assert gone(RELEASED, now) == [f"{what}: {lost}"]
