"""Roles of people and permissions of roles change whole, and are what was asked for afterwards."""

from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from centers.employee import actions, queries
from kernel.errors import InvalidInput, NotFound, VersionConflict
from kernel.security.scope import Principal, Reach, Scope
from kernel.store.database import Tx
from mobile_contracts.employee.person import PersonRolesChange, RoleWanted
from mobile_contracts.employee.role import RoleChange

WHO = Principal(audience="staff", subject="admin", session_id=uuid4(), device_id="d")
ALL = Scope(principal=WHO, reach=Reach(kind="company"))
KNOWN = {"self.read", "person.read", "customer.read"}


@pytest.fixture
async def anna(tx: Tx) -> str:
    """An employee without any role."""
    await tx.execute(
        "insert into employee (employee_no, name, unit_id, position, hired_on, source, digest)"
        " select 'anna', '安娜', id, 'broker', '2020-01-01', 'hr', '' from unit where kind = 'company'"
    )
    return "anna"


async def give(tx: Tx, who: str, roles: list[str], version: int | None) -> int:
    change = PersonRolesChange([RoleWanted(one) for one in roles])
    holder = await actions.check_roles_of_person(tx, ALL, who, change, version)
    after = await actions.do_roles_of_person(tx, holder, change)
    assert [one.role for one in after.roles] == sorted(roles)
    return after.version


@given(st.lists(st.sets(st.sampled_from(["broker", "adviser", "compliance", "team_leader"])), max_size=6))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_two_different_sets_of_roles_have_one_version(tx: Tx, anna: str, history: list[set[str]]) -> None:
    seen: dict[int, set[str]] = {}
    version = (await queries.find_person_roles(tx, ALL, anna)).version
    for roles in history:
        version = await give(tx, anna, sorted(roles), version)
        assert seen.setdefault(version, roles) == roles
    await give(tx, anna, [], version)


async def test_an_old_version_is_refused(tx: Tx, anna: str) -> None:
    version = await give(tx, anna, ["broker"], 0)
    await give(tx, anna, ["adviser"], version)
    with pytest.raises(VersionConflict):
        await give(tx, anna, ["compliance"], version)
    with pytest.raises(NotFound):
        await give(tx, "nobody", ["broker"], 0)


async def test_a_role_is_what_it_was_made(tx: Tx) -> None:
    before = await queries.find_role(tx, "broker")
    change = RoleChange("branch", ["person.read", "self.read", "person.read"])
    checked = await actions.check_role(tx, "broker", change, KNOWN, before.version)
    after = await actions.do_change_role(tx, checked, change)
    assert (after.scope, after.permissions) == ("branch", ["person.read", "self.read"])
    assert after == await queries.find_role(tx, "broker")
    with pytest.raises(VersionConflict) as error:
        await actions.check_role(tx, "broker", RoleChange("own", []), KNOWN, before.version)
    assert [one.field for one in error.value.errors] == ["permissions", "scope"]
    with pytest.raises(InvalidInput):
        await actions.check_role(tx, "broker", RoleChange("own", ["no.such"]), KNOWN, after.version)
