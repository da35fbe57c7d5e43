"""Celery's transport over PGMQ: kombu's own, with what it lacks for a worker that must not lose or repeat anything.

It needs no right to create queues, turns in the worker's event loop, holds what it took for as long as it lives, and
puts forged messages among the dead.
"""

import logging
from collections.abc import Iterable
from pathlib import Path
from queue import Empty
from typing import Any

import aiosql
import msgspec
import psycopg
from kombu.transport import TRANSPORT_ALIASES, pgmq

import kernel.queues
from kernel.queues.client import UNREADABLE
from workers.runtime.message import Envelope

URL = "hexad-pgmq://postgresql"
_IDLE_SECONDS = 0.05
_SESSION = "-c application_name=hexad-broker -c statement_timeout=10000 -c synchronous_commit=off"
"""A deletion that a crash takes back only makes a message come again, so none waits for the disk."""

_ALIVE: Any = {"tcp_user_timeout": 20_000, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2}
"""A server that is gone without a word is noticed within 20 s; means nothing where the connection is a local socket."""

_sql: Any = aiosql.from_path(Path(kernel.queues.__file__).with_name("pgmq.sql"), "psycopg")
_log = logging.getLogger(__name__)


class Taken:
    """A message as kombu wants to see it."""

    def __init__(self, msg_id: int, read_ct: int, message: str) -> None:
        self.msg_id, self.read_ct, self.message = msg_id, read_ct, message


class Link:
    """One connection of the worker's main process to PGMQ, in place of the pool of threads that pgmq brings."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True, connect_timeout=5, options=_SESSION, **_ALIVE)

    def read(self, queue: str, vt: int, qty: int) -> list[Taken]:
        """Takes up to `qty` messages for `vt` seconds."""
        rows = _sql.read(self._connection, queue=queue, lease=vt, at_most=qty)
        return [Taken(*row[:3]) for row in rows]

    def delete(self, queue: str, msg_id: int) -> None:
        """A message is done with."""
        _sql.delete(self._connection, queue=queue, ids=[msg_id])

    def set_vt(self, queue: str, msg_id: int | list[int], vt: int) -> None:
        """Messages come again in `vt` seconds."""
        ids = msg_id if isinstance(msg_id, list) else [msg_id]
        _sql.hold(self._connection, queue=queue, ids=ids, lease=vt)

    def size(self, queue: str) -> int:
        """How many messages wait or are held."""
        return int(_sql.size(self._connection, queue=queue))

    def bury(self, queue: str, msg_id: int, message: str, reason: str) -> None:
        """Moves a message to the dead letters of its queue."""
        headers = [msgspec.json.encode({"x-hexad-reason": reason}).decode()]
        with self._connection.transaction():
            _sql.send(self._connection, queue=f"{queue}_dead", bodies=[message], headers=headers)
            _sql.delete(self._connection, queue=queue, ids=[msg_id])

    def list_queues(self) -> None:
        """Asked by kombu to see whether the connection lives."""
        self._connection.execute("")

    def close(self) -> None:
        """Lets go of the connection."""
        self._connection.close()


class Channel(pgmq.Channel):
    """A channel that only consumes."""

    def _new_queue(self, queue: str, **_: Any) -> None:
        """Queues are made by `hexad migrate`."""

    def _has_queue(self, queue: str, **_: Any) -> bool:
        return True

    def _size(self, queue: str) -> int:
        return int(self.pgmq.size(self._queue_name(queue)))

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        if self.connection is not None:  # else it was closed meanwhile, and the message comes again
            super().basic_ack(delivery_tag, multiple)
            self.connection.poll()

    def basic_reject(self, delivery_tag: str, requeue: bool = False) -> None:
        if self.connection is None:
            return
        if not requeue:
            self._bury(delivery_tag)
        super().basic_reject(delivery_tag, requeue)
        self.connection.poll()

    def hold(self) -> None:
        """Keeps what is in work from coming again: whoever does not say so any more is dead."""
        held = [message.delivery_info for message in self.qos._delivered.values()]
        for queue in {info["pgmq_queue"] for info in held}:
            ids = [info["pgmq_msg_id"] for info in held if info["pgmq_queue"] == queue]
            self.pgmq.set_vt(queue, ids, self.visibility_timeout)

    def _bury(self, delivery_tag: str) -> None:
        message = self.qos.get(delivery_tag)
        body = message.body.decode() if isinstance(message.body, bytes) else message.body
        whole = msgspec.json.encode(Envelope(body, message.headers)).decode()
        info = message.delivery_info
        self.pgmq.bury(info["pgmq_queue"], info["pgmq_msg_id"], whole, "no worker takes such a message")

    def _pgmq_messages_to_python(self, messages: Iterable[Taken], queue: str) -> list[dict[str, Any]]:
        sound = []
        for taken in messages:
            try:
                envelope = msgspec.json.decode(taken.message, type=Envelope)
            except UNREADABLE as error:
                _log.warning("a message that is not Celery's was put among the dead: %s", error)
                self.pgmq.bury(self._queue_name(queue), taken.msg_id, taken.message, str(error))
            else:
                sound.append(self._message(envelope, taken, queue))
        return sound

    def _message(self, envelope: Envelope, taken: Taken, queue: str) -> dict[str, Any]:
        """What kombu expects, of which the sender determines only body and headers."""
        info = {
            "exchange": "",
            "routing_key": queue,
            "pgmq_queue": self._queue_name(queue),
            "pgmq_msg_id": taken.msg_id,
        }
        tag = f"{taken.msg_id}.{taken.read_ct}"
        return {
            "body": envelope.body,
            "headers": envelope.headers,
            "content-type": envelope.content_type,
            "content-encoding": "utf-8",
            "properties": {"delivery_tag": tag, "delivery_info": info, "priority": 0},
        }


class Transport(pgmq.Transport):
    """Turns in the worker's event loop: looks for messages when one is done with, and every 50 ms when none is."""

    Channel = Channel
    implements = pgmq.Transport.implements.extend(asynchronous=True)
    connection_errors = (*pgmq.Transport.connection_errors, psycopg.Error)
    _polling = False

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        """Called by Celery for each new connection."""
        loop.call_repeatedly(_IDLE_SECONDS, self.poll)
        loop.call_repeatedly(self.client.transport_options["visibility_timeout"] / 3, self._hold)

    def poll(self) -> None:
        """Takes as many messages as children are free."""
        if self._polling:
            return  # called again by a message that is refused while it is delivered
        self._polling = True
        try:
            self.cycle.get(self._deliver)
        except Empty:
            return
        finally:
            self._polling = False

    def _hold(self) -> None:
        for channel in self.channels:
            channel.hold()

    def _create_pgmq_client(self) -> Link:
        return Link(self.client.transport_options["conn_string"])


TRANSPORT_ALIASES["hexad-pgmq"] = f"{__name__}:Transport"
