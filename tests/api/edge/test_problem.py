"""Errors are told in the reader's language, with a code that never changes."""

import inspect

import pytest

from api.edge import problem
from kernel import errors
from kernel.errors import FieldError, HexadError, InvalidInput

ERRORS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, HexadError)]


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_says_what_it_means_in_both_languages(kind: type[HexadError]) -> None:
    error = kind()
    assert error.title.endswith(".")
    assert any("\u4e00" <= letter <= "\u9fff" for letter in error.zh)
    assert error.code == error.code.lower()


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in ERRORS if kind is not HexadError]
    assert len(codes) == len(set(codes))


def test_fields_are_named_in_the_readers_language() -> None:
    error = InvalidInput(errors=[FieldError("note", "too long", "过长")])
    assert problem.of_error(error, "en", "r").errors[0].message == "too long"
    assert problem.of_error(error, "zh", "r").errors[0].message == "过长"


def test_a_fault_of_ours_says_nothing_of_itself() -> None:
    told = problem.of_error(errors.Misconfigured("password=hunter2"), "en", "r")
    assert (told.status, told.code, told.detail) == (500, "internal", "")
