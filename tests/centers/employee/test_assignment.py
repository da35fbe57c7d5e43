"""Roles of people change whole, and are what was asked for afterwards."""

from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from centers.employee import assignment
from kernel.errors import NotFound, VersionConflict
from kernel.security.scope import Principal, Reach, Scope
from kernel.store.database import Tx
from mobile_contracts.employee.person import PersonRolesChange, RoleWanted

WHO = Principal(audience="staff", subject="admin", session_id=uuid4(), device_id="d")
ALL = Scope(principal=WHO, reach=Reach(kind="company"))


@pytest.fixture
async def anna(tx: Tx) -> str:
    """An employee without any role."""
    await tx.execute(
        "insert into employee (employee_no, name, unit_id, position, hired_on, source, digest)"
        " select 'anna', '安娜', id, 'broker', '2020-01-01', 'hr', '' from unit where kind = 'company'"
    )
    return "anna"


async def give(tx: Tx, who: str, roles: list[str], version: int | None) -> int:
    wanted = PersonRolesChange([RoleWanted(one) for one in roles])
    after = await assignment.change(tx, ALL, who, wanted, version)
    assert [one.role for one in after.roles] == sorted(roles)
    return after.version


@given(st.lists(st.sets(st.sampled_from(["broker", "adviser", "compliance", "team_leader"])), max_size=6))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_two_different_sets_of_roles_have_one_version(tx: Tx, anna: str, history: list[set[str]]) -> None:
    seen: dict[int, set[str]] = {}
    version = (await assignment.find(tx, ALL, anna)).version
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
