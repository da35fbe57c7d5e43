"""Permissions of roles change whole, and are what was asked for afterwards."""

import pytest

from centers.employee import role
from kernel.errors import InvalidInput, NotFound, VersionConflict
from kernel.store.database import Tx
from mobile_contracts.employee.role import RoleChange

KNOWN = {"self.read", "person.read", "customer.read"}


async def test_a_role_is_what_it_was_made(tx: Tx) -> None:
    before = await role.find(tx, "broker")
    change = RoleChange("branch", ["person.read", "self.read", "person.read"])
    after = await role.change(tx, "broker", change, KNOWN, before.version)
    assert (after.scope, after.permissions) == ("branch", ["person.read", "self.read"])
    assert after == await role.find(tx, "broker")
    with pytest.raises(VersionConflict) as error:
        await role.change(tx, "broker", RoleChange("own", []), KNOWN, before.version)
    assert [one.field for one in error.value.errors] == ["permissions", "scope"]
    with pytest.raises(InvalidInput):
        await role.change(tx, "broker", RoleChange("own", ["no.such"]), KNOWN, after.version)


async def test_a_role_that_is_not_there_is_neither_found_nor_changed(tx: Tx) -> None:
    with pytest.raises(NotFound):
        await role.find(tx, "king")
    with pytest.raises(NotFound):
        await role.change(tx, "king", RoleChange("own", []), KNOWN, None)
