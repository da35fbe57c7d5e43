"""A house in the transaction of the test."""

import pytest

from kernel.database import Tx
from kernel.settings import Settings
from tests.notifications.house import House


@pytest.fixture
async def house(tx: Tx, settings: Settings) -> House:
    """Customers and broadcasts, gone when the test ends."""
    house = House(tx, settings)
    await house.open()
    return house
