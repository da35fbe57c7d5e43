"""The story ends well, can be told again, and stops at the first thing that is not as promised."""

from collections.abc import Callable

import pytest

from hexad.tour import story
from kernel.errors import InvalidInput, Unavailable
from kernel.settings import Settings
from tests.hexad.running import Up
from tests.hexad.tour.conftest import ANY_HOUR, TOLD_WITHIN, Telling, report

pytestmark = [pytest.mark.xdist_group("tour"), pytest.mark.timeout(300)]


def all_of_it_is_as_promised(told: Telling) -> None:
    assert told.report["broken"] == ""
    assert told.report["ok"]
    assert [one["name"] for one in told.report["steps"]] == [story.name(step) for step in story.STEPS]


def test_everything_is_as_promised(telling: Telling) -> None:
    all_of_it_is_as_promised(telling)


def test_everything_is_as_promised_with_rabbitmq_and_redis(telling_elsewhere: Telling) -> None:
    all_of_it_is_as_promised(telling_elsewhere)
    assert [one for one in telling_elsewhere.up.said.splitlines() if '"level":"error"' in one] == []


def test_the_audit_log_verifies(telling: Telling) -> None:
    rows = int(telling.step(6).split()[0])
    assert rows >= 20, telling.step(6)


def test_it_is_told_again_on_the_same_system_by_others(telling: Telling) -> None:
    again = telling.up.run("tour", seconds=TOLD_WITHIN)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "Everything is as promised, after" in again.stdout
    assert "made up and loaded" not in again.stdout
    assert telling.step(4).splitlines()[0] not in again.stdout


def test_the_first_thing_that_is_not_as_promised_is_named_with_its_step(start_up: Callable[..., Up]) -> None:
    up = start_up(HEXAD_SMS_SIMULATOR_MANNER="refuse=1", **ANY_HOUR)
    up.wait_ready()
    told = up.run("tour", "--json", seconds=TOLD_WITHIN)
    assert told.returncode == 1
    where, found = f"step 2 ({story.name(story.STEPS[1])})", "3 of 6 messages did not arrive: sms failed"
    assert told.stderr == f"hexad: not as promised: {where}: {found}\n"
    steps = report(told)["steps"]
    assert (report(told)["ok"], [one["broken"] for one in steps]) == (False, ["", found])
    assert report(told)["broken"] == f"{where}: {found}"


def test_people_of_a_real_house_get_no_new_passwords(settings: Settings) -> None:
    with pytest.raises(InvalidInput, match="embedded database alone"):
        story.check(settings)


def test_what_does_not_run_is_named_with_the_way_out() -> None:
    with pytest.raises(Unavailable, match=r"api is not answering at .*: start everything with `hexad up`"):
        story.check(Settings(api_port=1))
