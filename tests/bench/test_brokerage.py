"""The house has the size that was asked, is made once, and its people and numbers are as real ones."""

import pytest

from bench import brokerage
from bench.brokerage import started
from hexad.embedded import Postgres
from kernel.security.crypto import BlindIndex
from kernel.settings import Settings
from tests.bench.conftest import CUSTOMERS


@pytest.fixture
def name(house: Settings) -> str:
    """The database of the small house."""
    return f"bench_{CUSTOMERS}" if house else ""


def test_it_has_that_many_customers_with_accounts_and_brokers(postgres: Postgres, name: str) -> None:
    counts = postgres.psql(
        "-c", "select count(*), count(distinct mobile_index), bool_and(assets > 0) from customer", database=name
    )
    assert counts == f"{CUSTOMERS}|{CUSTOMERS}|t"
    alone = "select count(*) from customer c where not exists (select from relation r where r.customer_id = c.id)"
    assert postgres.psql("-c", alone, database=name) == "0"
    wrong = "select count(*) from relation r join customer c on c.id = r.customer_id where c.branch_id <> r.branch_id"
    assert postgres.psql("-c", wrong, database=name) == "0"
    assert int(postgres.psql("-c", "select count(*) from account", database=name)) > CUSTOMERS
    assert (
        postgres.psql("-c", "select count(*) from pg_indexes where indexname = 'customer_assets'", database=name) == "1"
    )


async def test_it_is_made_once(postgres: Postgres, house: Settings, name: str) -> None:
    before = postgres.psql("-c", f"select oid from pg_database where datname = '{name}'")
    assert await brokerage.filled(postgres, house, CUSTOMERS, lambda done, total: None) == name
    assert postgres.psql("-c", f"select oid from pg_database where datname = '{name}'") == before


async def test_brokers_are_found_with_customers_of_theirs(postgres: Postgres, house: Settings, name: str) -> None:
    found = await brokerage.brokers(postgres, name, 2, 5)
    assert len(found) == 2
    for one in found:
        assert len(one.customers) == 5
        assert {customer.employee for customer in one.customers} == {one.id}
    known = found[0].customers[0]
    row = f"select encode(mobile_index, 'hex') from customer where customer_no = '{known.customer_no}'"
    assert postgres.psql("-c", row, database=name) == BlindIndex(house).of("mobile", known.mobile).hex()


def test_a_server_of_its_own_has_a_quarter_of_the_memory(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("bench")
    server = started(folder)
    held = server.psql("-c", "select setting::bigint / 128 from pg_settings where name = 'shared_buffers'")
    assert int(held) > 256
    server.stop("immediate")
