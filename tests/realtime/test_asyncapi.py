"""The AsyncAPI document is what the contracts say, and a change that would break an old client is found."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from realtime.asyncapi import PATH, breaks, document, text

Schemas = dict[str, Any]


def test_the_file_is_what_the_contracts_say() -> None:
    assert PATH.read_text() == text(), "run `python -m realtime.asyncapi`"


def test_nothing_that_was_released_is_broken() -> None:
    released = yaml.safe_load((PATH.parent / "released" / "asyncapi.yaml").read_text())
    assert breaks(released, document()) == []


def test_the_document_is_the_same_every_time_and_survives_yaml() -> None:
    assert yaml.safe_load(text()) == document() == document()


def test_every_reference_leads_somewhere() -> None:
    made = document()

    def follow(part: Any) -> None:
        for value in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
            follow(value)
        if isinstance(part, dict) and "$ref" in part:
            target: Any = made
            for step in part["$ref"].removeprefix("#/").split("/"):
                target = target[step]

    follow(made)


def test_a_document_does_not_break_itself() -> None:
    assert breaks(document(), document()) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda s: s["Ready"]["properties"].pop("resync"), "ready.resync is gone"),
        (lambda s: s["Party"]["properties"].pop("name"), "ready.conversations[].peer.name is gone"),
        (lambda s: s["Ready"]["required"].remove("principal"), "ready.principal may be missing now"),
        (lambda s: s["Pong"]["properties"]["n"].update(type="string"), "pong.n changed its type"),
        (lambda s: s["Ready"]["properties"]["session_id"].pop("format"), "ready.session_id changed its type"),
        (lambda s: s["Auth"]["properties"].pop("resume"), "auth.resume is gone"),
        (lambda s: s["Auth"]["required"].append("resume"), "auth.resume is required now"),
        (lambda s: s["Ping"]["properties"]["n"].update(maximum=10), "ping.n has a narrower maximum"),
        (lambda s: s["Ping"]["properties"]["n"].update(minimum=1), "ping.n has a narrower minimum"),
        (lambda s: s["Auth"]["properties"]["resume"].update(minItems=1), "auth.resume has a narrower minItems"),
        (lambda s: s["Auth"]["properties"]["type"].update(enum=["login"]), "auth.type takes fewer values"),
    ],
)
def test_what_breaks_old_clients_is_named(change: Callable[[Schemas], object], found: str) -> None:
    new = copy.deepcopy(document())
    change(new["components"]["schemas"])
    assert breaks(document(), new) == [found]


@pytest.mark.parametrize("action", ["receive", "send"])
def test_a_removed_frame_breaks_and_an_added_one_does_not(action: str) -> None:
    fewer = copy.deepcopy(document())
    fewer["operations"][action]["messages"].pop()
    assert len(breaks(document(), fewer)) == 1
    assert breaks(fewer, document()) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s["Ready"]["properties"].update(motto={"type": "string"}),
        lambda s: s["Auth"]["properties"].update(locale={"type": "string"}),
        lambda s: s["Auth"]["required"].remove("device_id"),
        lambda s: s["Auth"]["properties"]["token"].update(maxLength=9000),
        lambda s: s["Error"]["properties"]["code"]["enum"].append("asleep"),
        lambda s: s["Pong"].update(description="other words"),
    ],
)
def test_what_old_clients_do_not_notice_is_no_break(change: Callable[[Schemas], object]) -> None:
    new = copy.deepcopy(document())
    change(new["components"]["schemas"])
    assert breaks(document(), new) == []


@pytest.mark.parametrize("told", ["hexad.v1", "400", "403", "426", "503", "Retry-After", "4029", "UUID", "English"])
def test_what_no_schema_can_say_is_in_the_description(told: str) -> None:
    assert told in document()["info"]["description"]
