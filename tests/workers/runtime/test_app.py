"""Celery is set up so that a message is acknowledged by its effect alone, and only a job is given to a child."""

from typing import Any

import asyncpg
import msgspec
import pytest
import uuid_utils.compat as uuid
from celery.exceptions import Reject

from kernel.errors import Unavailable
from kernel.settings import Settings, parse
from tests.conftest import BROKER_URL
from workers.runtime.app import consumed, make_app
from workers.runtime.job import Outcome
from workers.runtime.message import TASK, Job

JOB = msgspec.to_builtins(Job(event_id=uuid.uuid7(), kind="Probed", handler="count_probe", payload={}))


def task(do: Any) -> Any:
    return make_app(parse({}), do).tasks[TASK]


def test_a_job_is_given_on_and_its_outcome_given_back() -> None:
    given: list[Job] = []

    def do(job: Job) -> Outcome:
        given.append(job)
        return "done"

    assert task(do)(**JOB) == "done"
    assert given[0].handler == "count_probe"


@pytest.mark.parametrize(("args", "kwargs"), [((), {}), ((1,), JOB), ((), {**JOB, "kind": ""})])
def test_what_is_no_job_goes_among_the_dead(args: tuple[int, ...], kwargs: dict[str, object]) -> None:
    with pytest.raises(Reject) as refused:
        task(lambda _: "done")(*args, **kwargs)
    assert refused.value.requeue is False


def test_why_postgresql_cannot_store_it_is_said_without_quoting_it() -> None:
    def do(_: Job) -> Outcome:
        raise asyncpg.DataError("invalid input for query argument $4: 'Zhang San'")

    with pytest.raises(Reject) as refused:
        task(do)(**JOB)
    assert (refused.value.reason, refused.value.requeue) == ("DataError", False)


def test_while_postgresql_is_away_the_message_goes_back() -> None:
    def do(_: Job) -> Outcome:
        raise Unavailable

    with pytest.raises(Reject) as refused:
        task(do)(**JOB)
    assert refused.value.requeue is True


@pytest.mark.parametrize("broker_url", ["", BROKER_URL])
def test_nothing_is_acknowledged_before_it_is_done(broker_url: str) -> None:
    settings = Settings(broker_url=broker_url, queue_prefix="p.", job_timeout=10.0)
    app = make_app(settings, lambda _: "done")
    assert app.conf.task_acks_late
    assert app.conf.task_reject_on_worker_lost
    assert app.conf.worker_prefetch_multiplier == 1
    assert app.conf.accept_content == ["json"]
    assert not app.conf.worker_enable_remote_control
    assert app.conf.task_time_limit > 2 * settings.job_timeout
    assert consumed(settings) == ("p.work.default" if broker_url else "work_default")
    assert app.amqp.queues[consumed(settings)].queue_arguments["x-queue-type"] == "quorum"
