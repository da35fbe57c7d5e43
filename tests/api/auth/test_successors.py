"""The token after one is always the same, under this key alone, and as long as the first."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from api.auth.successors import BYTES, Successors, first
from kernel.settings import Settings
from tests.conftest import random_key

KEYED = Settings(token_key=random_key())


@given(st.text(alphabet="abcXYZ019_-", min_size=1, max_size=200))
def test_it_follows_by_the_key(token: str) -> None:
    following = Successors(KEYED).of(token)
    assert following == Successors(KEYED).of(token) != token
    assert following != Successors(msgspec.structs.replace(KEYED, token_key=random_key())).of(token)
    assert following != Successors(KEYED).of(f"{token}x")
    assert len(following) == len(first()) == 43


def test_a_token_is_256_bits_and_none_like_another() -> None:
    assert BYTES * 8 == 256
    assert len({first() for _ in range(100)}) == 100
