"""The time is the database's, whatever the clock of this host says."""

import time
from datetime import UTC, datetime

import pytest

from kernel.store import clock
from kernel.store.database import Tx


async def test_it_is_the_databases(tx: Tx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 4e9)
    first, second = await clock.now(tx), await clock.now(tx)
    assert first < second
    assert first.tzinfo is not None
    assert abs((second - datetime.now(UTC)).total_seconds()) < 3600
