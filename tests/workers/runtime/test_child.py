"""A child does jobs on a loop and pool of its own, and its row shows that it lives."""

import time

import msgspec
import psycopg
import uuid_utils.compat as uuid

from kernel.settings import Settings
from mobile_contracts.event import Probed
from workers.runtime.child import Child
from workers.runtime.message import Job


def test_a_child_lives_does_jobs_and_leaves(own_settings: Settings) -> None:
    event = Probed(probe_id=uuid.uuid7())
    job = Job(event_id=uuid.uuid7(), kind="Probed", handler="count_probe", payload=msgspec.to_builtins(event))
    child = Child(own_settings)
    with psycopg.connect(own_settings.database_url, autocommit=True) as connection:
        connection.execute("insert into probe (id) values (%s)", [event.probe_id])
        child.start()
        assert [child.do(job) for _ in range(2)] == ["done", "repeated"]
        assert connection.execute("select handled from probe").fetchone() == (1,)
        until = time.monotonic() + 60
        while connection.execute("select count(*) from worker").fetchone() == (0,):
            assert time.monotonic() < until
        child.stop()
        assert connection.execute("select count(*) from worker").fetchone() == (0,)


def test_a_child_starts_while_postgresql_is_away() -> None:
    child = Child(Settings(database_url="postgresql://x@127.0.0.1:1/x"))
    child.start()
    child.stop()
