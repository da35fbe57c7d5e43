"""A job travels as a Celery message that Celery itself has made; whatever else arrives is not taken for one."""

from typing import Any

import msgspec
import pytest
import uuid_utils.compat as uuid
from hypothesis import given
from hypothesis import strategies as st

from kernel.queues.client import UNREADABLE
from kernel.settings import parse as settings_from
from workers.runtime.app import make_app
from workers.runtime.message import TASK, Envelope, Job, encode, parse, trusted_headers

JOB = Job(
    event_id=uuid.uuid7(), kind="Probed", handler="count_probe", payload={"kind": "Probed"}, request_id="r", trace="t"
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def app() -> Any:
    return make_app(settings_from({}), lambda _: "done")


def test_what_is_sent_is_what_arrives(app: Any) -> None:
    message = encode(app, JOB, enveloped=False)
    headers = trusted_headers(message.headers, "application/json", message.body)
    assert (headers["task"], headers["id"]) == (TASK, message.id)
    assert parse(msgspec.json.decode(message.body)[1]) == JOB


def test_on_pgmq_it_lies_in_an_envelope(app: Any) -> None:
    envelope = msgspec.json.decode(encode(app, JOB, enveloped=True).body, type=Envelope)
    trusted_headers(envelope.headers, envelope.content_type, envelope.body)
    assert parse(msgspec.json.decode(envelope.body)[1]) == JOB


def test_headers_that_could_mislead_celery_are_left_behind(app: Any) -> None:
    message = encode(app, JOB, enveloped=False)
    forged = {**message.headers, "timelimit": "x", "eta": "2099-01-01", "chord": {}, "shadow": "other", "retries": "y"}
    trusted = trusted_headers(forged, "application/json", message.body)
    assert (trusted["timelimit"], trusted["eta"], trusted["retries"]) == ([None, None], None, 0)
    assert "chord" not in trusted


@given(headers=ANYTHING, body=ANYTHING)
def test_anything_else_is_refused(headers: Any, body: Any) -> None:
    with pytest.raises(msgspec.MsgspecError):
        trusted_headers(headers, "application/json", msgspec.json.encode(body))


@pytest.mark.parametrize(
    "inside", [b"[" * 5000 + b"]" * 5000, b"[" * 10 + b"]" * 10, b'"\xff"', b'"\\ud800"', b"NaN", b"1e400", b"1" * 5000]
)
def test_what_cannot_be_read_is_refused(inside: bytes) -> None:
    with pytest.raises(UNREADABLE):
        trusted_headers({"task": TASK, "id": "1"}, "application/json", b'[[], {"payload": ' + inside + b"}, {}]")


def test_callbacks_that_celery_would_run_are_refused() -> None:
    body = msgspec.json.encode([[], {}, {"callbacks": [{"task": "x"}]}])
    with pytest.raises(msgspec.MsgspecError):
        trusted_headers({"task": TASK, "id": "1"}, "application/json", body)


@given(kwargs=ANYTHING)
def test_arguments_that_are_no_job_are_refused(kwargs: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        parse(kwargs)
