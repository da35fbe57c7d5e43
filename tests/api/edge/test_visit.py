"""A visit is of the address that the gate found, and of an audience that the host serves."""

from types import SimpleNamespace
from typing import Any

import pytest

from api.edge.visit import visit_of
from kernel.errors import NotFound


def request(client: str) -> Any:
    door = SimpleNamespace(audiences=frozenset({"staff"}))
    state = SimpleNamespace(door=door, database=object())
    scope = {"hexad_client": client, "hexad_request_id": "request-1"}
    return SimpleNamespace(app=SimpleNamespace(state=state), scope=scope)


@pytest.mark.parametrize(
    ("client", "counted"), [("10.0.0.1", "10.0.0.1"), ("2001:db8::5", "2001:db8::/64"), ("::ffff:10.0.0.1", "10.0.0.1")]
)
def test_addresses_are_counted_by_household(client: str, counted: str) -> None:
    visit = visit_of(request(client), "staff")
    assert (visit.address, visit.request_id) == (counted, "request-1")


def test_a_host_that_does_not_serve_the_audience_knows_nothing_of_it() -> None:
    with pytest.raises(NotFound):
        visit_of(request("10.0.0.1"), "investor")
    assert visit_of(request("10.0.0.1")).address == "10.0.0.1"
