"""Celery's transport over PGMQ: settled messages are gone, refused ones among the dead, held ones stay held."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import psycopg
import pytest
from kombu import Connection, Consumer, Queue

from kernel.queues import WORK
from kernel.queues.client import Message
from kernel.queues.pgmq import PgmqQueues
from kernel.settings import Settings
from workers.runtime.app import make_app
from workers.runtime.message import Envelope

BODY = msgspec.json.encode(Envelope('{"a": 1}', {"task": "x"}))


def publish(settings: Settings, *bodies: bytes) -> None:
    async def send() -> None:
        queues = PgmqQueues(settings)
        await queues.publish(WORK, [Message(body) for body in bodies])
        await queues.close()

    asyncio.run(send())


def waiting(settings: Settings, queue: str = "work_default") -> list[Any]:
    with psycopg.connect(settings.database_url) as connection:
        return connection.execute(f"select message, vt > now() from pgmq.q_{queue} order by msg_id").fetchall()


@pytest.fixture
def connection(own_settings: Settings) -> Iterator[Connection]:
    settings = msgspec.structs.replace(own_settings, worker_silence=2.0)
    with make_app(settings, lambda _: "done").connection_for_read() as opened:
        yield opened


@contextlib.contextmanager
def consuming(connection: Connection) -> Iterator[list[Any]]:
    """The messages that have come so far."""
    came: list[Any] = []
    queue = Queue(WORK.table)
    with Consumer(connection.channel(), [queue], on_message=came.append, prefetch_count=10):
        with contextlib.suppress(TimeoutError):
            while True:
                connection.drain_events(timeout=0.2)
        yield came


def test_an_acknowledged_message_is_gone(own_settings: Settings, connection: Connection) -> None:
    publish(own_settings, BODY)
    with consuming(connection) as came:
        assert [(one.body, one.headers, one.content_type) for one in came] == [
            (b'{"a": 1}', {"task": "x"}, "application/json")
        ]
        came[0].ack()
    assert waiting(own_settings) == []


def test_a_rejected_message_is_among_the_dead(own_settings: Settings, connection: Connection) -> None:
    publish(own_settings, BODY)
    with consuming(connection) as came:
        came[0].reject()
    assert waiting(own_settings) == []
    assert waiting(own_settings, "work_default_dead")[0][0]["body"] == '{"a": 1}'


def test_a_requeued_message_comes_again_at_once(own_settings: Settings, connection: Connection) -> None:
    publish(own_settings, BODY)
    with consuming(connection) as came:
        came[0].reject(requeue=True)
        assert len(came) == 2
        assert came[0].body == came[1].body


@pytest.mark.parametrize("body", [b"5", b"[]", b'{"body": {}}', b'{"body": "x", "headers": 1}'])
def test_what_is_not_celerys_is_among_the_dead(own_settings: Settings, connection: Connection, body: bytes) -> None:
    publish(own_settings, body, BODY)
    with consuming(connection) as came:
        assert len(came) == 1
    assert waiting(own_settings, "work_default_dead")[0][0] == msgspec.json.decode(body)


def test_what_is_held_does_not_come_again_while_its_holder_lives(
    own_settings: Settings, connection: Connection
) -> None:
    publish(own_settings, BODY)
    with consuming(connection) as came:
        until = time.monotonic() + 3
        while time.monotonic() < until:
            connection.transport._hold()
            assert waiting(own_settings)[0][1] is True
            time.sleep(0.5)
        assert len(came) == 1


def test_an_acknowledgement_after_the_connection_was_lost_is_passed_over(
    own_settings: Settings, connection: Connection
) -> None:
    publish(own_settings, BODY)
    with consuming(connection) as came:
        came[0].channel.connection = None
        came[0].ack()
        came[0].channel.connection = connection.transport
    assert len(waiting(own_settings)) == 1
