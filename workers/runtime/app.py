"""The Celery app: how jobs are taken, on PGMQ and on RabbitMQ."""

from collections.abc import Callable, Mapping
from typing import Any

import asyncpg
import msgspec
from celery import Celery
from celery.exceptions import Reject
from kombu import Exchange, Queue

from kernel.errors import Unavailable
from kernel.queues import WORK
from kernel.queues.rabbitmq import arguments
from kernel.settings import Settings
from kernel.telemetry import logs
from workers.runtime import pgmq
from workers.runtime.job import Outcome
from workers.runtime.message import TASK, Job, parse

_KILL_SECONDS = 5.0
_log = logs.logger(__name__)


def make_app(settings: Settings, do: Callable[[Job], Outcome]) -> Celery:
    """A Celery app with the one task `hexad.job`, which gives each job to `do`."""
    app = Celery("hexad", set_as_current=False, fixups=[], config_source=_config(settings))

    @app.task(name=TASK, shared=False)  # type: ignore[untyped-decorator]
    def job(*args: Any, **kwargs: Any) -> Outcome:
        return _do(do, args, kwargs)

    return app


def consumed(settings: Settings) -> str:
    """The name of the queue that workers consume, on the broker in force."""
    return settings.queue_prefix + WORK.name if settings.broker_url else WORK.table


def _do(do: Callable[[Job], Outcome], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Outcome:
    try:
        if args:
            raise msgspec.ValidationError("a job has no positional arguments")
        return do(parse(kwargs))
    except (msgspec.ValidationError, asyncpg.DataError) as error:
        why = type(error).__name__ if isinstance(error, asyncpg.DataError) else str(error)  # asyncpg quotes the value
        _log.warning("a message that is no job was put among the dead", error=why)
        raise Reject(why, requeue=False) from error
    except Unavailable as error:
        raise Reject(str(error), requeue=True) from error


def _config(settings: Settings) -> dict[str, Any]:
    return {
        **(_rabbitmq(settings) if settings.broker_url else _pgmq(settings)),
        "timezone": "Asia/Shanghai",
        "accept_content": ["json"],
        "task_serializer": "json",
        "task_ignore_result": True,
        "task_default_queue": consumed(settings),
        "task_default_exchange": "",
        "task_create_missing_queues": False,
        "task_queues": [_queue(consumed(settings)), _queue(_dead(settings))],
        "task_acks_late": True,
        "task_acks_on_failure": False,  # the task itself never fails: what does is a forged message
        "task_acks_on_timeout": False,
        "task_reject_on_worker_lost": True,
        "task_time_limit": 2 * settings.job_timeout + _KILL_SECONDS,  # waiting for PostgreSQL, then the job
        "worker_concurrency": settings.worker_processes,
        "worker_prefetch_multiplier": 1,
        "worker_consumer": "workers.runtime.consumer:Consumer",
        "worker_lost_wait": 1.0,
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "broker_connection_timeout": 5.0,
        "broker_connection_retry_on_startup": True,
    }


def _pgmq(settings: Settings) -> dict[str, Any]:
    return {
        "broker_url": pgmq.URL,
        "broker_transport_options": {
            "conn_string": settings.database_url,
            "visibility_timeout": settings.worker_silence,
            "wait_time_seconds": 0,
        },
    }


def _rabbitmq(settings: Settings) -> dict[str, Any]:
    return {
        "broker_url": settings.broker_url,
        "broker_heartbeat": settings.worker_silence,
        "broker_transport_options": {"confirm_publish": True, "read_timeout": 10, "write_timeout": 10},
    }


def _queue(name: str) -> Queue:
    return Queue(name, Exchange(""), routing_key=name, durable=True, queue_arguments=arguments(name))


def _dead(settings: Settings) -> str:
    return settings.queue_prefix + WORK.dead.name if settings.broker_url else WORK.dead.table
