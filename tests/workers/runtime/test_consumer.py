"""No message stops a worker, whatever is in it: what is no job is put among the dead, and the next is taken."""

import aiormq
import msgspec
import pytest

from kernel.queues import WORK
from kernel.queues.broker import open_queues
from kernel.queues.client import Message
from tests.faults.conftest import cluster, stand
from tests.faults.stand import Stand

__all__ = ["cluster", "stand"]

GARBAGE = [
    b"[]",
    b"5",
    b'"text"',
    b"null",
    b"{}",
    b'{"body": 5, "headers": []}',
    b'{"task": "hexad.job", "id": "x"}',
    b'{"task": "hexad.job", "id": "x", "args": [], "kwargs": {}}',
    b"[[], {}, {}]",
    b'[[1, 2], {"event_id": 5}, null]',
]
DEEP = [b'[[], {"payload": ' + b"[" * depth + b"]" * depth + b"}, {}]" for depth in (10, 700, 5000)]
HEADERS: list[dict[str, object]] = [
    {},
    {"task": "hexad.job", "id": "1"},
    {
        "task": "hexad.job",
        "id": "2",
        "lang": "py",
        "root_id": "2",
        "parent_id": None,
        "retries": 0,
        "eta": None,
        "expires": None,
    },
    {"task": "no.such.task", "id": "3", "lang": "py"},
    {"task": 7},
    {"task": "hexad.job", "id": "4", "eta": "never", "expires": "never"},
    {"task": "hexad.job", "id": "5", "timelimit": "x", "retries": "many"},
]


@pytest.mark.timeout(180)
async def test_forged_messages_are_put_aside_and_stop_nobody(stand: Stand) -> None:
    stand.start("work", "relay")
    await stand.until(60, "two children", lambda: stand.is_so("count(*) = 2", "worker"))
    worker = stand.processes["work"].pid
    raw = 0
    forged = [Message(body, headers) for body in GARBAGE for headers in HEADERS]
    if not stand.settings.broker_url:
        envelopes: list[dict[str, object]] = [{"body": one.body.decode(), "headers": one.headers} for one in forged]
        forged += [Message(msgspec.json.encode(one)) for one in envelopes]
        forged.append(Message(msgspec.json.encode({**envelopes[9], "content-type": "application/x-python-serialize"})))
        forged += [Message(msgspec.json.encode({"body": body.decode(), "headers": HEADERS[1]})) for body in DEEP]
        forged.append(Message(b'{"body": "", "headers": {"task": ' + b"[" * 700 + b"]" * 700 + b"}}"))
        forged.append(Message(b'{"body": "", "properties": {"x": ' + b"[" * 900 + b"]" * 900 + b"}}"))
    else:
        raw = await publish_raw(stand, [*DEEP, b'[[], {"event_id": "\xff"}, {}]', b"\xff"])
    async with open_queues(stand.settings) as queues:
        await queues.publish(WORK, forged)
        await stand.emit(50)
        await stand.until(60, "the probes are handled", stand.settled)
        await stand.until(60, "nothing waits", lambda: stand.empty(queues))
        dead = await queues.size(WORK.dead)
    assert stand.processes["work"].pid == worker
    assert stand.processes["work"].running
    assert dead == len(forged) + raw
    print(f"\n{stand.broker}: {dead} forged messages among the dead, 50 probes handled beside them")


async def publish_raw(stand: Stand, bodies: list[bytes]) -> int:
    """Puts on RabbitMQ what our own client would refuse, and gives the number."""
    async with await aiormq.connect(stand.settings.broker_url) as connection:
        channel = await connection.channel()
        task = aiormq.spec.Basic.Properties(content_type="application/json", headers={"task": "hexad.job", "id": "1"})
        for body in bodies:
            await channel.basic_publish(body, routing_key=stand.settings.queue_prefix + WORK.name, properties=task)
    return len(bodies)
