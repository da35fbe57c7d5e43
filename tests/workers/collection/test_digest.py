"""Digests need a secret, and are the same whichever way a row comes."""

import msgspec

from kernel.settings import Settings
from tests.conftest import random_key
from tests.workers.collection.maker import OF_ADVISORY, Maker, a_day, rows, take
from workers.collection.digest import digest_secret, row_digest


def test_the_secret_comes_from_the_index_key(settings: Settings) -> None:
    other = msgspec.structs.replace(settings, index_key=random_key())
    assert digest_secret(settings) == digest_secret(settings) != digest_secret(other)
    assert digest_secret(settings) not in settings.index_key


async def test_a_row_that_was_delivered_has_the_digest_of_one_that_was_not(
    own_settings: Settings, maker: Maker
) -> None:
    maker.deliver(a_day())
    maker.deliver({feed: [one] for feed, one in OF_ADVISORY.items()}, source="advisory")
    assert (await take(own_settings, maker.root))[0]
    known = await rows(own_settings, "select digest from contract")
    values = [value or None for value in OF_ADVISORY["contract"].values()]
    assert known == [(row_digest(digest_secret(own_settings), values),)]
