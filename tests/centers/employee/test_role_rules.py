"""Which role may permit what, and over which unit it is held."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centers.employee import role_rules as rules
from kernel.errors import InvalidInput
from mobile_contracts.employee.role import Role, RoleChange
from tests.centers.employee.test_unit_rules import TODAY, fields, unit

KNOWN = {"self.read", "calendar.read", "customer.read", "role.change", "person.change", "audit.read"}


@given(st.sets(st.sampled_from(sorted(KNOWN | {"nonsense"}))), st.sampled_from(["broker", "administrator", "investor"]))
def test_what_is_let_through_leaves_the_house_governable(permissions: set[str], code: str) -> None:
    for scope in ("none", "self", "own", "company"):
        try:
            rules.check_role_change(code, RoleChange(scope, sorted(permissions)), KNOWN)
        except InvalidInput:
            continue
        assert permissions <= KNOWN
        assert (scope == "self") == (code == "investor")
        assert code != "administrator" or {"role.change", "person.change"} <= permissions
        assert code != "investor" or permissions <= {"self.read", "calendar.read"}
        assert scope == "company" or not permissions & rules.WHOLE_COMPANY


def test_every_permission_that_is_not_good_is_named() -> None:
    with pytest.raises(InvalidInput) as error:
        rules.check_role_change("investor", RoleChange("self", ["self.read", "audit.read", "x"]), KNOWN)
    assert fields(error.value) == ["permissions[1]", "permissions[2]"]


def test_a_role_is_held_over_a_unit_that_its_scope_can_be_about() -> None:
    for scope, kind, fits in (
        ("team", "team", True), ("team", "branch", False),
        ("branch", "region", True), ("region", "branch", False), ("own", "team", False),
    ):  # fmt: skip
        role = Role("leader", "", "", scope, [], 1)  # type: ignore[arg-type]  # the table is of text
        fault = rules.fault_of_assignment("roles[0]", role, 1, unit(kind), TODAY)  # type: ignore[arg-type]  # as above
        assert (fault is None) is fits
