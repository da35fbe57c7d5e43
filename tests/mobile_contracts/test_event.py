"""Every kind of event stands beside its class, and is what rows and messages bear."""

import ast
from typing import get_args

import msgspec

from mobile_contracts import event
from tests.house.test_files import ROOT


def test_every_kind_of_event_stands_beside_its_class() -> None:
    tree = ast.parse((ROOT / "mobile_contracts" / "event.py").read_text())
    kinds = [
        [word.value.value for word in one.keywords if word.arg == "tag" and isinstance(word.value, ast.Constant)]
        for one in tree.body
        if isinstance(one, ast.ClassDef) and one.name != event.Event.__name__
    ]
    assert all(len(kind) == 1 for kind in kinds)
    assert sorted(str(kind[0]) for kind in kinds) == sorted(kind.kind() for kind in get_args(event.AnyEvent))


def test_the_kind_is_in_what_is_written() -> None:
    assert msgspec.json.decode(msgspec.json.encode(event.HousekeepingDue())) == {"kind": event.HousekeepingDue.kind()}
