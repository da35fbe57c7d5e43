"""An authenticator shows codes that are good, each once; where nobody can play, one sentence says so."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hexad.tour import cast
from hexad.tour.cast import Authenticator
from identity import authenticator
from kernel.errors import InvalidInput
from kernel.settings import Settings
from kernel.store.database import Database
from tests.brokerage import small

SECRET = authenticator.new_secret()


@given(st.floats(1.7e9, 1.8e9), st.lists(st.floats(30, 100), max_size=5), st.floats(0, 9))
@example(1_700_000_000.0, [30.0] * 5, 9.0)
def test_each_code_is_good_for_some_seconds_and_shown_once(start: float, waits: list[float], late: float) -> None:
    app, now, steps = Authenticator(SECRET), start, list[int | None]()
    for wait in (0.0, *waits):
        now += wait
        steps.append(authenticator.step_of(SECRET, app.code(now), now + late))
    assert None not in steps
    assert steps == sorted(set(steps), key=lambda step: step or 0)


def test_two_at_once_are_two_codes_that_are_good() -> None:
    app, now = Authenticator(SECRET), 1_700_000_015.0
    steps = [authenticator.step_of(SECRET, app.code(now), now) for _ in range(2)]
    assert None not in steps
    assert len(set(steps)) == 2


def test_more_than_are_good_are_not_to_be_had() -> None:
    app, now = Authenticator(SECRET), 1_700_000_015.0
    assert all(authenticator.step_of(SECRET, app.code(now), now) is not None for _ in range(3))
    with pytest.raises(InvalidInput, match="a new code every 30 s"):
        app.code(now)


async def test_a_house_without_a_cast_is_one_sentence(database: Database, own_settings: Settings) -> None:
    await small(database, own_settings)
    said: list[str] = []
    with pytest.raises(InvalidInput, match="the story needs two brokers"):
        await cast.gather(own_settings, said.append)
    assert said == []
