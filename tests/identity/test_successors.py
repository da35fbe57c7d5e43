"""The token after one is always the same, under this key alone, and tells its session to whoever has the key."""

from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.successors import BYTES, Successors
from kernel.settings import Settings
from tests.conftest import random_key

KEYED = Settings(token_key=random_key())
OTHER = msgspec.structs.replace(KEYED, token_key=random_key())
ONE, TWO = UUID("019a3b5e-0000-7000-8000-000000000001"), UUID("019a3b5e-0000-7000-8000-000000000002")


@given(st.text(alphabet="abcXYZ019_-", min_size=1, max_size=200))
def test_it_follows_by_the_key(token: str) -> None:
    following = Successors(KEYED).of(token, ONE)
    assert following == Successors(KEYED).of(token, ONE) != token
    assert following != Successors(OTHER).of(token, ONE)
    assert following != Successors(KEYED).of(f"{token}x", ONE)
    assert len(following) == len(Successors(KEYED).first(ONE)) <= 200


def test_a_token_holds_256_bits_that_nobody_can_guess_and_none_is_like_another() -> None:
    assert BYTES * 8 == 256
    assert len({Successors(KEYED).first(ONE) for _ in range(100)}) == 100


def test_a_token_tells_its_session_as_long_as_nobody_touched_it() -> None:
    successors = Successors(KEYED)
    first = successors.first(ONE)
    assert successors.session(first) == successors.session(successors.of(first, ONE)) == ONE
    assert Successors(OTHER).session(first) is None
    foreign = successors.first(TWO)
    assert successors.session(first[:-22] + foreign[-22:]) is None


@pytest.mark.parametrize("token", ["", "A" * 43, "A" * 86, "A" * 87, "A" * 88, "é" * 86, "-" * 86])
def test_what_is_no_token_of_ours_tells_nothing(token: str) -> None:
    assert Successors(KEYED).session(token) is None
