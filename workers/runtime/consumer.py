"""Celery's consumer, reduced to taking messages: no gossip, mingle, events or remote control, on any broker."""

import logging
import time
from collections.abc import Callable
from typing import Any

from celery import bootsteps
from celery.worker.consumer import Consumer as CelerysConsumer
from celery.worker.consumer.connection import Connection
from celery.worker.consumer.consumer import Evloop
from celery.worker.consumer.tasks import Tasks
from celery.worker.state import maybe_shutdown

from kernel.queues.client import UNREADABLE
from workers.runtime.message import trusted_headers

_LONGEST_PAUSE = 4.0
_SETTLED_SECONDS = 5.0
_log = logging.getLogger(__name__)


class Consumer(CelerysConsumer):
    """Connects again for ever, and lets no message stop the worker, whatever is in it."""

    class Blueprint(bootsteps.Blueprint):
        """The parts of Celery's consumer that are used."""

        name = "Consumer"
        default_steps = (Connection, Tasks, Evloop)

        def shutdown(self, parent: Any) -> None:
            self.send_all(parent, "shutdown")

    connection: Any
    _connected_at = 0.0
    _away = False

    def ensure_connected(self, conn: Any) -> Any:
        """The connection, once there is one; says once that the broker is away and once that it is back."""
        maybe_shutdown()
        if time.monotonic() - self._connected_at < _SETTLED_SECONDS:
            time.sleep(1.0)  # it was lost as soon as it was there: no hurry
        self._away = False
        conn.ensure_connection(
            self._say_away,
            max_retries=None,
            interval_start=0.2,
            interval_step=0.4,
            interval_max=_LONGEST_PAUSE,
            callback=self._turn,
        )
        if self._away:
            _log.warning("the broker is back")
        self.first_connection_attempt = False
        self._connected_at = time.monotonic()
        return conn

    def connect(self) -> Any:
        """Makes sure that the queues exist, the dead letters included, which are not consumed here."""
        connection = super().connect()
        for queue in self.app.amqp.queues.values():
            queue(connection.default_channel).declare()
        return connection

    def create_task_handler(self, *args: Any, **options: Any) -> Callable[[Any], None]:
        """Celery's handler for what is a job; some other messages would stop or block the worker in there."""
        handle = super().create_task_handler(*args, **options)

        def handle_jobs(message: Any) -> None:
            try:
                message.headers = trusted_headers(message.headers, message.content_type, message.body)
            except UNREADABLE as error:
                self.on_decode_error(message, error)
            else:
                handle(message)

        return handle_jobs

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Puts it among the dead, where Celery would drop it, and does not quote it in the log."""
        _log.warning("a message that is no job was put among the dead: %s", exc)
        message.reject_log_error(_log, self.connection_errors)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Says what was lost in one line; jobs in work go on, and are acknowledged by being done."""
        _log.warning("the broker was lost: %s", type(exc).__name__)
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.collect(socket_timeout=1)

    def _say_away(self, error: Exception, _: float) -> None:
        if not self._away:
            self._away = True
            _log.warning("the broker does not answer, it is tried again until it does: %s", type(error).__name__)

    def _turn(self) -> None:
        maybe_shutdown()
        self.controller.turned()
