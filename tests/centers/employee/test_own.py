"""An employee sees where they stand."""

from centers.employee import own
from kernel.settings import Settings
from kernel.store.database import Database
from tests.brokerage import small


async def test_the_path_of_units_goes_from_the_company_down(database: Database, own_settings: Settings) -> None:
    house = await small(database, own_settings)
    async with database.transaction() as tx:
        found = await own.find(tx, house.employees["1001"])
        assert found is not None
        assert found.unit == ["总公司", "north", "b1", "t1"]
        assert await own.find(tx, None) is None
