"""What roles and the tree of units give to whom, and that it is given anew when either changes."""

from typing import Any

import pytest

from identity import permission as grants
from kernel.security.scope import Reach
from kernel.store.database import Tx


class House:
    """Two regions; branch `a` with teams 1 and 2 in the north, branch `b` in the south."""

    def __init__(self, tx: Tx) -> None:
        self.tx = tx
        self.units: dict[str, int] = {}
        self.people: dict[str, int] = {}

    async def build(self) -> None:
        self.units["company"] = await self.tx.fetchval("select id from unit where kind = 'company'")
        for kind, code, above in (
            ("region", "north", "company"),
            ("region", "south", "company"),
            ("branch", "a", "north"),
            ("branch", "b", "south"),
            ("team", "a1", "a"),
            ("team", "a2", "a"),
        ):
            self.units[code] = await self.tx.fetchval(
                "insert into unit (kind, code, name, parent_id) values ($1, $2, $2, $3) returning id",
                kind, code, self.units[above],
            )  # fmt: skip
        for name, place in (("anna", "a1"), ("bert", "a1"), ("carl", "a2"), ("dora", "a"), ("emil", "b")):
            self.people[name] = await self.tx.fetchval(
                "insert into employee (employee_no, name, unit_id, position, hired_on, source, digest)"
                " values ($1, $1, $2, 'broker', '2020-01-01', 'hr', '') returning id",
                name, self.units[place],
            )  # fmt: skip

    async def assign(self, name: str, role: str, unit: str | None = None) -> None:
        await self.tx.execute(
            "insert into assignment values ($1, $2, $3)", self.people[name], role, unit and self.units[unit]
        )

    async def reach(self, name: str, permission: str = "customer.read") -> Reach | None:
        unit = await self.tx.fetchval("select unit_id from employee where employee_no = $1", name)
        found = await grants.of(self.tx, "staff", name, [], self.people[name], unit)
        return found.get(permission)

    def ids(self, *names: str) -> set[int]:
        return {(self.people | self.units)[name] for name in names}


@pytest.fixture
async def house(tx: Tx) -> House:
    """A small brokerage."""
    one = House(tx)
    await one.build()
    return one


async def test_a_broker_reaches_own_customers(house: House) -> None:
    await house.assign("anna", "broker")
    assert await house.reach("anna") == Reach(kind="own", employees=(house.people["anna"],))


async def test_without_a_role_there_is_no_permission(house: House) -> None:
    assert await house.reach("anna") is None


async def test_a_leader_reaches_the_team_they_stand_in(house: House) -> None:
    await house.assign("anna", "team_leader")
    reach = await house.reach("anna")
    assert reach is not None
    assert (reach.kind, set(reach.employees)) == ("team", house.ids("anna", "bert"))


async def test_a_leader_outside_any_team_reaches_own_customers(house: House) -> None:
    await house.assign("dora", "team_leader")
    assert await house.reach("dora") == Reach(kind="team", employees=(house.people["dora"],))


async def test_a_broker_who_leads_another_team_too_keeps_own_customers(house: House) -> None:
    await house.assign("anna", "broker")
    await house.assign("anna", "team_leader", "a2")
    reach = await house.reach("anna")
    assert reach is not None
    assert set(reach.employees) == house.ids("anna", "carl")


@pytest.mark.parametrize(
    ("name", "role", "unit", "kind", "branches"),
    [
        ("dora", "branch_manager", None, "branch", {"a"}),
        ("anna", "branch_manager", None, "branch", {"a"}),
        ("emil", "branch_manager", "a", "branch", {"a"}),
        ("emil", "region_manager", None, "region", {"b"}),
        ("emil", "branch_manager", "north", "branch", {"a"}),
        ("emil", "head_office_marketing", None, "company", {"a", "b"}),
    ],
)
async def test_managers_reach_branches(
    house: House, name: str, role: str, unit: str | None, kind: str, branches: set[str]
) -> None:
    await house.assign(name, role, unit)
    reach = await house.reach(name)
    assert reach is not None
    assert (reach.kind, set(reach.branches)) == (kind, house.ids(*branches))


async def test_of_two_roles_the_wider_counts_for_each_permission_alone(house: House) -> None:
    await house.assign("anna", "broker")
    await house.assign("anna", "compliance")
    read, change = await house.reach("anna"), await house.reach("anna", "customer.change")
    assert read is not None
    assert change is not None
    assert (read.kind, change.kind) == ("company", "own")


async def test_two_branches_of_one_person_are_both_reached(house: House) -> None:
    await house.assign("dora", "branch_manager")
    await house.assign("dora", "broker_supervisor", "b")
    reach = await house.reach("dora")
    assert reach is not None
    assert set(reach.branches) == house.ids("a", "b")


async def test_a_merged_branch_is_reached_by_the_manager_of_the_other(house: House) -> None:
    await house.assign("emil", "branch_manager")
    await house.tx.execute("update unit set parent_id = $1 where code = 'a'", house.units["b"])
    reach = await house.reach("emil")
    assert reach is not None
    assert set(reach.branches) == house.ids("a", "b")
    await house.assign("dora", "branch_manager")
    own = await house.reach("dora")
    assert own is not None
    assert set(own.branches) == house.ids("a"), "the nearest branch counts, not the one above it"


async def test_a_team_that_moved_is_reached_where_it_stands_now(house: House) -> None:
    await house.assign("emil", "branch_manager")
    await house.assign("carl", "branch_manager")
    await house.tx.execute("update unit set parent_id = $1 where code = 'a2'", house.units["b"])
    reach = await house.reach("carl")
    assert reach is not None
    assert set(reach.branches) == house.ids("b")


async def test_a_unit_cannot_stand_below_itself(house: House) -> None:
    with pytest.raises(Exception, match="below itself"):
        await house.tx.execute("update unit set parent_id = $1 where code = 'north'", house.units["a1"])


async def test_an_investor_reaches_their_own_data(house: House) -> None:
    await house.tx.execute("select set_config('hexad.scope', 'company', true)")
    found: Any = await house.tx.fetchval(
        "insert into customer (customer_no, name, kind, id_kind, id_no, id_no_mask, id_no_index, branch_id, opened_on,"
        " status, investor_kind, source, digest) values ('66', 'x', 'individual', 'id', '', '', '', $1, '2020-01-01',"
        " 'normal', 'ordinary', 'counter', '') returning id",
        house.units["a"],
    )
    permissions = await grants.of(house.tx, "investor", "66", ["investor"], None, None)
    assert permissions["self.read"] == Reach(kind="self", customer=found)
    assert (await grants.of(house.tx, "investor", "67", ["investor"], None, None))["self.read"] == Reach()
