"""Strangers share what one network may have and wait for strangers; who is known waits for nobody but themselves."""

import pytest

from identity.code_budget import PER_ADDRESS, PER_NUMBER, PER_PERSON, AskedBy, Asker, per_network

BYS: list[AskedBy] = ["stranger", "device", "signed_in"]


def test_no_turn_of_a_stranger_is_one_of_somebody_known() -> None:
    strangers, *known = (set(Asker(by, b"login", "phone-1", "192.0.2.1").turns) for by in BYS)
    assert [strangers & one for one in known] == [set(), set()]
    assert known[0].isdisjoint(known[1])
    assert strangers & set(Asker("stranger", b"another", "phone-2", "192.0.2.1").turns) == {"code address 192.0.2.1"}


@pytest.mark.parametrize(("firm", "most"), [(1, PER_ADDRESS), (1000, PER_ADDRESS), (20_000, 400)])
def test_a_network_gets_a_fiftieth_of_what_the_firm_sends_and_no_less_than_an_address(firm: int, most: int) -> None:
    assert per_network(firm) == most


def test_a_share_refused_never_tells_that_two_logins_are_one_persons() -> None:
    assert [2 * most for most in PER_PERSON] == list(PER_NUMBER)


def test_a_network_is_that_of_the_address() -> None:
    assert Asker("stranger", b"", "", "2001:db8:1:2::/64").network == "2001:db8:1::/48"
