"""Within v1 things are only added: whatever would break an app of today is found."""

import copy
from pathlib import Path
from typing import Any

import msgspec
import pytest

from api.release import breaks, write
from api.routes import documents_of

ROOT = Path(__file__).parents[2]
RELEASED = ROOT / "docs" / "released"
DOCUMENTS = documents_of()


@pytest.mark.parametrize("audience", sorted(DOCUMENTS))
def test_nothing_that_was_released_is_broken(audience: str) -> None:
    released = msgspec.json.decode((RELEASED / f"{audience}.json").read_bytes())
    assert breaks(released, DOCUMENTS[audience]) == []


def test_what_is_released_is_what_is_written(tmp_path: Path) -> None:
    write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {f"{audience}.json" for audience in DOCUMENTS}


def drop_path(document: dict[str, Any]) -> None:
    del document["paths"]["/v1/staff/jobs"]


def require_parameter(document: dict[str, Any]) -> None:
    document["paths"]["/v1/staff/jobs"]["get"]["parameters"][0]["required"] = True


def drop_parameter(document: dict[str, Any]) -> None:
    document["paths"]["/v1/staff/jobs"]["get"]["parameters"].pop()


def drop_answer_field(document: dict[str, Any]) -> None:
    del schema(document, "TradingDay")["properties"]["sessions"]


def retype_answer_field(document: dict[str, Any]) -> None:
    schema(document, "TradingDay")["properties"]["note"] = {"type": "integer"}


def require_body_field(document: dict[str, Any]) -> None:
    schema(document, "TradingDayChange")["required"].append("note")


def shorten_body_field(document: dict[str, Any]) -> None:
    schema(document, "TradingDayChange")["properties"]["note"]["maxLength"] = 5


def drop_answer(document: dict[str, Any]) -> None:
    answers = document["paths"]["/v1/staff/jobs"]["get"]["responses"]
    answers["204"] = answers.pop("200")


def drop_unchanged(document: dict[str, Any]) -> None:
    del document["paths"]["/v1/staff/jobs"]["get"]["responses"]["304"]


def schema(document: dict[str, Any], name: str) -> Any:
    found = [value for key, value in document["components"]["schemas"].items() if key == name]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    "change",
    [drop_path, require_parameter, drop_parameter, drop_answer_field, retype_answer_field,
     require_body_field, shorten_body_field, drop_answer, drop_unchanged],
)  # fmt: skip
def test_a_breaking_change_is_found(change: Any) -> None:
    later = copy.deepcopy(DOCUMENTS["staff"])
    change(later)
    assert breaks(DOCUMENTS["staff"], later) != []


def test_an_addition_breaks_nothing_nor_does_a_refusal_that_comes_no_more() -> None:
    later = copy.deepcopy(DOCUMENTS["staff"])
    del later["paths"]["/v1/staff/jobs"]["get"]["responses"]["404"]
    later["paths"]["/v1/staff/news"] = later["paths"]["/v1/staff/jobs"]
    schema(later, "TradingDay")["properties"]["source"]["enum"].append("somebody")
    schema(later, "TradingDay")["properties"]["weather"] = {"type": "string"}
    schema(later, "TradingDayChange")["properties"]["reason"] = {"type": "string"}
    assert breaks(DOCUMENTS["staff"], later) == []
