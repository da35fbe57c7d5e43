"""A job on its way: the Celery message (task protocol 2) that carries one event to one handler."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

import msgspec
import uuid_utils.compat as uuid
from celery import Celery
from kombu.serialization import dumps
from msgspec import Meta, Struct, field

from kernel.queues.client import Message

TASK = "hexad.job"

if TYPE_CHECKING:
    Shallow = Any
else:
    Shallow = _FLAT = None | bool | int | float | str
    for _ in range(8):
        Shallow = _FLAT | list[Shallow] | dict[str, Shallow]
"""What JSON can hold, at most eight levels deep: what is deeper than Python's stack would end the worker."""

Name = Annotated[str, Meta(min_length=1, max_length=100)]


class Job(Struct, frozen=True):
    """One event for one handler, with the request and the trace in which it happened.

    What a newer version adds to it is passed over.
    """

    event_id: UUID
    kind: Name
    handler: Name
    payload: dict[str, Any]
    request_id: Annotated[str, Meta(max_length=200)] | None = None
    trace: Annotated[str, Meta(max_length=200)] | None = None


class Envelope(Struct, frozen=True, rename="kebab"):
    """A Celery message as it lies in PGMQ, where AMQP's headers and properties have no place of their own."""

    body: str
    headers: dict[str, Shallow]
    content_type: str = "application/json"
    content_encoding: str = "utf-8"
    properties: dict[str, Any] = field(default_factory=dict)


_NEUTRAL: dict[str, Any] = {
    "lang": "py",
    "task": TASK,
    "parent_id": None,
    "retries": 0,
    "eta": None,
    "expires": None,
    "timelimit": [None, None],
    "argsrepr": "",
    "kwargsrepr": "",
    "ignore_result": True,
}


class _Headers(Struct, frozen=True):
    task: Literal["hexad.job"]
    id: Annotated[str, Meta(min_length=1, max_length=100)]


class _Body(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    args: Annotated[list[Any], Meta(max_length=0)]
    kwargs: dict[str, Shallow]
    embedded: dict[str, None]  # callbacks and chains, which nobody of ours sends


def trusted_headers(headers: Any, content_type: Any, body: str | bytes) -> dict[str, Any]:
    """Headers made anew for a message that has the shape of a job; raises `UNREADABLE` for any other."""
    if content_type != "application/json":
        raise msgspec.ValidationError("it is not JSON")
    named = msgspec.convert(headers, _Headers)
    msgspec.json.decode(body, type=_Body)
    return {**_NEUTRAL, "id": named.id, "root_id": named.id}


def parse(kwargs: Mapping[str, Any]) -> Job:
    """The job in the arguments of a task; raises `msgspec.ValidationError` when they are not one."""
    return msgspec.convert(kwargs, Job)


def decode(body: bytes) -> Job:
    """The job in a message that is not Celery's; raises `UNREADABLE` when it is not one."""
    return msgspec.json.decode(body, type=Job)


def encode(app: Celery, job: Job, *, enveloped: bool) -> Message:
    """The message for the broker, made by Celery itself; `enveloped` for PGMQ."""
    task_id = str(uuid.uuid7())
    made = app.amqp.create_task_message(
        task_id, TASK, kwargs=msgspec.to_builtins(job), argsrepr="", kwargsrepr="", origin="relay", ignore_result=True
    )
    body = dumps(made.body, serializer="json")[2]
    if not enveloped:
        return Message(body.encode(), made.headers, task_id)
    return Message(msgspec.json.encode(Envelope(body, made.headers, properties=made.properties)), {}, task_id)
