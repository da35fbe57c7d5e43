"""What a query uses of a connection is what the driver's connections have."""

import inspect

import asyncpg
import pytest

from kernel.store.tx import Tx


@pytest.mark.parametrize("name", [name for name in vars(Tx) if not name.startswith("_")])
def test_the_driver_has_it_under_these_names(name: str) -> None:
    ours, theirs = (inspect.signature(getattr(one, name)).parameters for one in (Tx, asyncpg.Connection))
    assert [one for one in ours if one in theirs] == list(ours)
