"""Whatever the API takes in: a time that no clock shows is refused, named by its field."""

from collections.abc import Iterator
from typing import get_type_hints

import msgspec
import pytest

from api.routes import documents_of
from mobile_contracts.base import Input
from mobile_contracts.messaging.broadcast import BroadcastWanted


def inputs(of: type[Input] = Input) -> Iterator[type[Input]]:
    """Every shape that the API takes."""
    for one in of.__subclasses__():
        yield one
        yield from inputs(one)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59-12:00", "1969-12-31T23:59:59Z"])
@pytest.mark.parametrize("field", ["not_before", "expires_at"])
def test_a_time_that_no_clock_shows_is_no_input(field: str, at: str) -> None:
    wanted = {"template": "care", "values": {}, "channels": ["sms"], "branch_codes": ["b1"], field: at}
    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.convert(wanted, BroadcastWanted)


def test_every_input_with_a_time_looks_at_it() -> None:
    assert documents_of(), "so that every route is loaded"
    with_times = [one for one in inputs() if any("datetime" in str(hint) for hint in get_type_hints(one).values())]
    assert BroadcastWanted in with_times
    assert {one.__post_init__ for one in with_times} == {Input.__post_init__}
