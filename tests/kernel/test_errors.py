"""Every error has one English and one Chinese sentence and a code that is its own."""

import re

import pytest

from kernel import errors
from kernel.errors import FieldError, HexadError, InvalidInput, RateLimited

ALL = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, HexadError)]


@pytest.mark.parametrize("kind", ALL)
def test_an_error_says_what_happened_in_both_languages(kind: type[HexadError]) -> None:
    error = kind()
    assert error.title.endswith(".")
    assert str(error) == error.title
    assert re.search(r"[\u4e00-\u9fff]", kind.zh)
    assert re.fullmatch(r"[a-z_]+", kind.code)


def test_codes_are_unique() -> None:
    assert len({kind.code for kind in ALL}) == len(ALL)


def test_a_detail_stands_in_the_other_language_where_none_was_given() -> None:
    assert InvalidInput("too long").detail_zh == "too long"
    assert InvalidInput("too long", "太长").detail_zh == "太长"
    assert str(InvalidInput("too long")) == "The input is not valid. too long"


def test_fields_are_named() -> None:
    fault = FieldError("day", "is no day", "不是日期")
    assert InvalidInput(errors=[fault]).errors == (fault,)


def test_a_limit_says_how_long_to_wait() -> None:
    assert RateLimited(2.5).wait == 2.5
