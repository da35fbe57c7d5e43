"""Which permission a frame asks of whom."""

from mobile_contracts.frame import Accept, Ping, Rate, Read


def test_each_side_is_asked_for_its_own_permission_and_for_none_where_it_does_not_send_it() -> None:
    assert [Read.asks(side) for side in ("staff", "investor")] == ["chat.read", "self.read"]
    assert [Accept.asks(side) for side in ("staff", "investor")] == ["chat.take", ""]
    assert [Rate.asks(side) for side in ("staff", "investor")] == ["", "self.change"]
    assert Ping.asks("staff") == Ping.asks("gateway") == ""
