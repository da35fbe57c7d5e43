"""Nobody sees a customer outside their scope, by any list, search or look-up: 200 random brokerages against an oracle.

The oracle is written from the words of the design and knows neither our SQL nor our tables.
"""

import random
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from centers.customer import customer as queries
from centers.customer import lists, sync
from centers.customer.lists import AssetsCursor, Filter, NameCursor, OpenedCursor
from identity import permission
from kernel.calendar import days as calendar
from kernel.errors import NotFound
from kernel.security import scope
from kernel.security.scope import Principal, Scope
from kernel.store.database import Tx

HOUSES = 200
ROLES = {
    "broker": "own", "account_manager": "own", "adviser": "own", "team_leader": "team", "broker_supervisor": "branch",
    "branch_manager": "branch", "marketing_manager": "branch", "region_manager": "region",
    "head_office_marketing": "company", "compliance": "company", "service_agent": "company",
}  # fmt: skip
WIDER = ["own", "team", "branch", "region", "company"]
KINDS = ["company", "region", "branch", "team"]
TABLES = ("customer", "relation", "account", "contact", "preference", "customer_left")


class World:
    """A brokerage as plain data: parents of units, places of people, branches of customers, relations with dates."""

    def __init__(self, chance: random.Random) -> None:
        self.chance, self.today = chance, calendar.today()
        self.parent: dict[str, str | None] = {"company": None}
        self.kind = {"company": "company"}
        self.place: dict[str, str] = {}
        self.roles: dict[str, list[tuple[str, str | None]]] = {}
        self.branch: dict[str, str] = {}
        self.relations: list[tuple[str, str, str, date, date | None]] = []
        for kind, least, most in (("region", 1, 3), ("branch", 2, 4), ("team", 1, 5)):
            for number in range(chance.randint(least, most)):
                above = [unit for unit, other in self.kind.items() if other == KINDS[KINDS.index(kind) - 1]]
                self.kind[f"{kind}{number}"], self.parent[f"{kind}{number}"] = kind, chance.choice(above)
        for number in range(chance.randint(3, 7)):
            self.place[f"e{number}"] = chance.choice([*self.parent])
            self.roles[f"e{number}"] = self.some_roles()
        branches = [unit for unit, kind in self.kind.items() if kind == "branch"]
        for number in range(chance.randint(4, 14)):
            self.branch[f"c{number}"] = chance.choice(branches)
        for _ in range(chance.randint(3, 20)):
            self.relate()

    def some_roles(self) -> list[tuple[str, str | None]]:
        names = self.chance.sample([*ROLES], self.chance.choice([0, 1, 1, 1, 2]))
        return [(name, self.chance.choice([None, None, None, *self.parent])) for name in names]

    def relate(self) -> None:
        begins = self.today + timedelta(days=self.chance.choice([-400, -30, -1, 0, 1, 30]))
        ends = self.chance.choice([None, None, *(begins + timedelta(days=days) for days in (1, 2, 29, 30, 31, 400))])
        key = (self.chance.choice([*self.branch]), self.chance.choice([*self.place]), self.chance.choice(
            ["develop", "service", "advise"]))  # fmt: skip
        if all(relation[:3] != key or relation[3] != begins for relation in self.relations):
            self.relations.append((*key, begins, ends))

    def under(self, unit: str | None, above: str) -> bool:
        while unit is not None:
            if unit == above:
                return True
            unit = self.parent[unit]
        return False

    def nearest(self, unit: str | None, kind: str) -> str | None:
        while unit is not None and self.kind[unit] != kind:
            unit = self.parent[unit]
        return unit

    def sees(self, person: str) -> set[str]:
        """The customers that somebody may read, by the words of the design."""
        if not self.roles[person]:
            return set()
        reach = max((ROLES[role] for role, _ in self.roles[person]), key=WIDER.index)
        units = {
            unit or self.nearest(self.place[person], reach) for role, unit in self.roles[person] if ROLES[role] == reach
        } - {None}
        if reach == "company":
            return {*self.branch}
        if reach in ("branch", "region"):
            return {one for one, place in self.branch.items() if any(self.under(place, str(unit)) for unit in units)}
        people = {person}
        if reach == "team":
            people |= {one for one, place in self.place.items() if any(self.under(place, str(unit)) for unit in units)}
        return {
            customer for customer, employee, _, begins, ends in self.relations
            if employee in people and begins <= self.today and (ends is None or ends > self.today)
        }  # fmt: skip

    def edit(self) -> str:
        """Changes the tree: a team or branch moves, or a branch is merged into another; gives the unit."""
        movable = [unit for unit, kind in self.kind.items() if kind in ("team", "branch")]
        unit = self.chance.choice(movable)
        above = {"team": ["branch"], "branch": ["region", "branch"]}[self.kind[unit]]
        places = [one for one, kind in self.kind.items() if kind in above and not self.under(one, unit)]
        self.parent[unit] = self.chance.choice(places)
        return unit


class Rows:
    """The same brokerage as rows."""

    def __init__(self, tx: Tx, world: World, *, second_lock: bool = True) -> None:
        self.tx, self.world, self.second_lock = tx, world, second_lock
        self.units: dict[str, int] = {}
        self.people: dict[str, int] = {}
        self.customers: dict[str, int] = {}

    async def write(self) -> None:
        await scope.apply_system(self.tx, "test", kind="company")
        self.units["company"] = await self.tx.fetchval("select id from unit")
        for unit, above in self.world.parent.items():
            if above is not None:
                self.units[unit] = await self.tx.fetchval(
                    "insert into unit (kind, code, name, parent_id) values ($1, $2, $2, $3) returning id",
                    self.world.kind[unit], unit, self.units[above],
                )  # fmt: skip
        for person, place in self.world.place.items():
            await self._person(person, place)
        for number, (customer, branch) in enumerate(self.world.branch.items()):
            await self._customer(customer, branch, number)
        for relation in self.world.relations:
            await self.relate(*relation)

    async def _person(self, person: str, place: str) -> None:
        self.people[person] = await self.tx.fetchval(
            "insert into employee (employee_no, name, unit_id, position, hired_on, source, digest)"
            " values ($1, $1, $2, 'x', '2020-01-01', 'hr', '') returning id",
            person, self.units[place],
        )  # fmt: skip
        for role, unit in self.world.roles[person]:
            await self.tx.execute(
                "insert into assignment values ($1, $2, $3)", self.people[person], role, unit and self.units[unit]
            )

    async def _customer(self, customer: str, branch: str, number: int) -> None:
        self.customers[customer] = await self.tx.fetchval(
            "insert into customer (customer_no, name, kind, id_kind, id_no, id_no_mask, id_no_index, mobile_index,"
            " branch_id, opened_on, status, investor_kind, assets, source, digest) values ($1, $2, 'individual', 'id',"
            " '', '', '', $1::text::bytea, $3, date '2020-01-01' + $4::int % 3, 'normal', 'ordinary', $4::int % 4,"
            " 'counter', '') returning id",
            customer, f"王{number % 3}", self.units[branch], number,
        )  # fmt: skip
        await self.tx.execute("insert into contact (customer_id) values ($1)", self.customers[customer])
        await self.tx.execute("insert into preference (customer_id) values ($1)", self.customers[customer])
        await self.tx.execute(
            "insert into account (account_no, customer_id, kind, opened_on, status, source, digest)"
            " values ($1, $2, 'cash', '2020-01-01', 'normal', 'counter', '')",
            customer, self.customers[customer],
        )  # fmt: skip

    async def relate(self, customer: str, employee: str, kind: str, begins: date, ends: date | None) -> None:
        await self.tx.execute(
            "insert into relation"
            " (customer_id, employee_id, kind, share, valid_from, valid_to, branch_id, assets, source, digest)"
            " select id, $2, $3, 1, $4, $5, branch_id, assets, 'counter', '' from customer where id = $1",
            self.customers[customer], self.people[employee], kind, begins, ends,
        )  # fmt: skip

    async def scope_of(self, person: str) -> Scope | None:
        place = self.units[self.world.place[person]]
        found = await permission.of(self.tx, "staff", person, [], self.people[person], place)
        if "customer.read" not in found:
            return None
        principal = Principal(
            audience="staff", subject=person, session_id=UUID(int=1), device_id="d", permissions=found,
            employee=self.people[person],
        )  # fmt: skip
        return Scope(principal=principal, reach=found["customer.read"])


async def every_page(tx: Tx, who: Scope, order: str) -> list[str]:
    """All customers of a list, two at a time."""
    found: list[str] = []
    after: Any = {"assets": AssetsCursor(), "opened": OpenedCursor(), "name": NameCursor()}[order]
    read: Any = {"assets": lists.by_assets, "opened": lists.by_opening, "name": lists.by_name}[order]
    while lines := await read(tx, who, Filter(), after, 2):
        found += [line.customer_no for line in lines]
        last = lines[-1]
        after = {
            "assets": AssetsCursor(int(last.assets * 100), last.id),
            "opened": OpenedCursor(last.opened_on, last.id),
            "name": NameCursor(last.name, last.id),
        }[order]
    return found


async def everything(tx: Tx, who: Scope, rows: Rows) -> dict[str, set[str]]:
    """What somebody gets to see, by each way of looking."""
    await scope.apply(tx, who)
    seen: dict[str, set[str]] = {}
    for order in ("assets", "opened", "name"):
        found = await every_page(tx, who, order)
        assert len(found) == len(set(found)), f"{order} repeats"
        seen[order] = set(found)
    for way in ("number", "mobile", "find"):
        seen[way] = {customer for customer in rows.customers if await looked_up(tx, who, way, customer)}
    state = await sync.changes(tx, who, None, 100)
    assert state is not None
    seen["sync"] = {line.customer_no for line in state.changed}
    if not rows.second_lock:
        return seen
    numbers = {customer_id: customer for customer, customer_id in rows.customers.items()}
    seen["forgetful"] = {row[0] for row in await tx.fetch("select customer_no from customer")}
    looked_after = {row[0] for row in await tx.fetch("select customer_no from looked_after")}
    assert looked_after == seen["forgetful"] if who.reach.by_relation else looked_after <= seen["forgetful"]
    for table in ("account", "contact", "preference"):
        seen[table] = {numbers[row[0]] for row in await tx.fetch(f"select customer_id from {table}")}
    return seen


async def looked_up(tx: Tx, who: Scope, way: str, customer: str) -> bool:
    if way == "number":
        return bool(await lists.by_number(tx, who, customer))
    if way == "mobile":
        return bool(await lists.by_mobile(tx, who, customer.encode(), 5))
    try:
        await queries.find(tx, who, customer)
    except NotFound:
        return False
    return True


@pytest.mark.parametrize("part", range(4))
async def test_everybody_sees_what_the_oracle_says_and_nothing_else(tx: Tx, part: int) -> None:
    for number in range(part, HOUSES, 4):
        await live_through(tx, number, second_lock=True)


async def test_the_predicates_of_the_queries_hold_without_row_level_security(owner_tx: Tx) -> None:
    for table in TABLES:
        await owner_tx.execute(f"alter table {table} disable row level security, no force row level security")
    for number in range(0, HOUSES, 4):
        await live_through(owner_tx, number, second_lock=False)


async def live_through(tx: Tx, number: int, *, second_lock: bool) -> None:
    """Builds a brokerage, compares, edits its tree and relations, compares again, and takes it all back."""
    world = World(random.Random(number))
    point: Any = tx.transaction()
    await point.start()
    rows = Rows(tx, world, second_lock=second_lock)
    await rows.write()
    await compare(tx, rows, f"house {number}")
    for _ in range(2):
        unit = world.edit()
        await scope.apply_system(tx, "test", kind="company")
        above = rows.units[world.parent[unit] or ""]
        await tx.execute("update unit set parent_id = $1 where code = $2", above, unit)
    known = len(world.relations)
    world.relate()
    for relation in world.relations[known:]:
        await rows.relate(*relation)
    await compare(tx, rows, f"house {number}, edited")
    await point.rollback()


async def compare(tx: Tx, rows: Rows, where: str) -> None:
    for person in rows.world.place:
        await scope.apply_system(tx, "test", kind="company")
        who, expected = await rows.scope_of(person), rows.world.sees(person)
        if who is None:
            assert not rows.world.roles[person]
            continue
        for way, seen in (await everything(tx, who, rows)).items():
            assert seen == expected, f"{where}: {person} by {way}"


async def test_without_a_scope_a_forgetful_query_sees_nothing(tx: Tx) -> None:
    rows = Rows(tx, World(random.Random(1)))
    await rows.write()
    assert await tx.fetchval("select count(*) from customer") > 0
    await scope.apply_system(tx, "job")
    for table in TABLES:
        assert await tx.fetchval(f"select count(*) from {table}") == 0
        assert await tx.execute(f"update {table} set changed_in = changed_in") == "UPDATE 0"
