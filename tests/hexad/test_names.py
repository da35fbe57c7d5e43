"""What rows, messages, clients and operators bear is named as it was released, whatever the code calls it."""

import ast

import msgspec
import pytest

from hexad.names import FILE, gone, names
from mobile_contracts import event
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


def test_every_kind_of_event_stands_beside_its_class() -> None:
    tree = ast.parse((ROOT / "mobile_contracts" / "event.py").read_text())
    kinds = [
        [word.value.value for word in one.keywords if word.arg == "tag" and isinstance(word.value, ast.Constant)]
        for one in tree.body
        if isinstance(one, ast.ClassDef) and one.name != event.Event.__name__
    ]
    assert all(len(kind) == 1 for kind in kinds)
    assert sorted(str(kind[0]) for kind in kinds) == names()["events"]
