"""HEXAD_BUS_URL chooses the bus."""

import msgspec

from kernel.bus.choice import open_bus
from kernel.bus.postgres import PostgresBus
from kernel.bus.valkey import ValkeyBus
from kernel.settings import Settings


async def test_without_an_address_it_is_postgresql(settings: Settings) -> None:
    async with open_bus(settings) as bus:
        assert isinstance(bus, PostgresBus)


async def test_an_address_chooses_valkey(settings: Settings) -> None:
    async with open_bus(msgspec.structs.replace(settings, bus_url="redis://127.0.0.1:1/0")) as bus:
        assert isinstance(bus, ValkeyBus)
