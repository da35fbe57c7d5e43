"""The choice of the bus: PostgreSQL, or Valkey."""

import contextlib
from collections.abc import AsyncIterator

from kernel.bus.client import Bus
from kernel.bus.postgres import PostgresBus
from kernel.bus.valkey import ValkeyBus
from kernel.settings import Settings


@contextlib.asynccontextmanager
async def open_bus(settings: Settings) -> AsyncIterator[Bus]:
    """The bus that `settings.bus_url` names (empty: PostgreSQL); connects when first used."""
    bus: Bus = ValkeyBus(settings) if settings.bus_url else PostgresBus(settings)
    try:
        yield bus
    finally:
        await bus.close()
