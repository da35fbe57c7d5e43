"""What becomes of a delivery is counted, and its digests need a secret."""

import msgspec

from kernel.settings import Settings
from tests.conftest import random_key
from workers.collection.day import Tally, digest_secret


def test_the_digest_s_secret_comes_from_the_index_key(settings: Settings) -> None:
    other = msgspec.structs.replace(settings, index_key=random_key())
    assert digest_secret(settings) == digest_secret(settings) != digest_secret(other)
    assert digest_secret(settings) not in settings.index_key


def test_what_is_neither_new_nor_changed_is_unchanged() -> None:
    assert Tally(rows=10, added=3, changed=2, ended=7).unchanged == 5
