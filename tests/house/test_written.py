"""Whatever a contract refuses to read is refused where it is written: every message is made by `written`, or was read.

What has no bounds of its own, events, is read again as it was written; what clients may say, other clients can be told.
"""

import ast
import typing
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from centers.service import conversation_rules as chat
from kernel.errors import InvalidInput
from kernel.queues.client import written
from mobile_contracts.event import AnyEvent, Event
from mobile_contracts.frame import AnyServerFrame, SendMessage
from mobile_contracts.messaging.outbound import Receipt
from notifications.gateway import bounce
from tests.house.test_files import ROOT, tracked
from tests.workers.smtp.test_letter import PLAIN, email
from workers.smtp import rules as mail
from workers.smtp.rules import Answer

SERVING = ("api", "centers", "identity", "kernel", "notifications", "realtime", "workers")
READ_BEFORE = {
    "kernel/queues/rabbitmq.py:refuse": "it is passed on to the dead as it came",
    "notifications/broadcast/dispatch.py:_publish_held": "`Composer` has made it with `written`",
    "notifications/gateway/lease.py:_opened": "it was read from the queue before it was sealed",
    "workers/runtime/message.py:encode": "Celery makes it, of a job; its own test reads it again",
}
"""What publishes something else than what `written` gives, and why nobody refuses it."""


def unchecked(source: str) -> Iterator[str]:
    """Functions that make a message for a queue of something that was not read again."""
    tree = ast.parse(source)
    if "from kernel.queues.client import" not in source and "class Message" not in source:
        return
    for function in [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]:
        for call in [one for one in ast.walk(function) if isinstance(one, ast.Call)]:
            if ast.unparse(call.func) == "Message" and not ast.unparse(call.args[0]).startswith("written("):
                yield function.name


def test_every_message_for_a_queue_was_read_before_it_leaves() -> None:
    paths = [path for path in tracked(".py") if path.relative_to(ROOT).parts[0] in SERVING]
    found = {f"{path.relative_to(ROOT)}:{name}" for path in paths for name in unchecked(path.read_text())}
    assert sorted(found) == sorted(READ_BEFORE)


@pytest.mark.parametrize(("body", "found"), [("msgspec.json.encode(one)", True), ("written(one)", False)])
def test_one_that_was_not_is_found(body: str, found: bool) -> None:
    source = f"from kernel.queues.client import Message\ndef tell(one):\n    return Message({body}, id='1')\n"
    assert list(unchecked(source)) == (["tell"] if found else [])


def test_what_nobody_could_read_is_not_written() -> None:
    good = Receipt(id=UUID(int=1), gateway="g", gateway_id="1", status="delivered", code="", at=datetime.now(UTC))
    assert msgspec.json.decode(written(good), type=Receipt) == good
    for change in ({"gateway_id": ""}, {"code": "x" * 65}, {"code": "\ud800"}):
        with pytest.raises(InvalidInput):
            written(msgspec.structs.replace(good, **change))


@given(
    st.integers(200, 599), st.text(st.characters(codec="utf-8")), st.sampled_from(["MAIL", "RCPT", "DATA"]),
    st.integers(1, 20), st.booleans(),
)  # fmt: skip
def test_whatever_a_relay_answers_its_receipt_can_be_read(
    code: int, message: str, stage: mail.Stage, tries: int, repeated: bool
) -> None:
    one = email()
    ending = mail.ending(one, Answer(code, message, stage), tries, 60.0, repeated=repeated)
    if ending.status is not None:
        written(mail.receipt(one, ending.status, ending.code, ending.gateway_id, datetime.now(UTC)))


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\n")), st.text(st.characters(codec="utf-8")))
def test_whatever_a_bounce_says_its_receipts_can_be_read(status: str, diagnosis: str) -> None:
    report = (
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n"
        "Content-Type: message/delivery-status\r\n\r\n"
        f"Original-Envelope-Id: {PLAIN['id']}\r\n\r\nAction: failed\r\nStatus: 5.1.1{status}\r\n"
        f"Diagnostic-Code: smtp; {diagnosis}\r\n\r\n--b--\r\n"
    )
    for receipt in bounce.read(report.encode(), "mta-1", datetime.now(UTC)).receipts:
        written(receipt)


def events(kind: type[Event]) -> st.SearchStrategy[Event]:
    """Every event of a kind."""
    types = typing.get_type_hints(kind)
    text = st.text(st.characters(codec="utf-8"))
    with_text = {name: text for name, wanted in types.items() if wanted is str}
    others = {
        one.name: st.from_type(types[one.name]) for one in msgspec.structs.fields(kind) if one.name not in with_text
    }
    return st.builds(
        kind, **{name: one for name, one in {**with_text, **others}.items() if name in kind.__struct_fields__}
    )


@pytest.mark.parametrize("kind", typing.get_args(AnyEvent), ids=lambda kind: str(kind.__name__))
@given(st.data())
def test_an_event_is_read_as_it_was_written(kind: type[Event], data: st.DataObject) -> None:
    event = data.draw(events(kind))
    assert msgspec.json.decode(msgspec.json.encode(event), type=AnyEvent) == event


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_what_one_client_may_say_another_can_be_told(body: str) -> None:
    ids = {"client_id": UUID(int=1), "conversation_id": UUID(int=2)}
    sent = msgspec.convert({"type": "send", "kind": "text", "body": body, **ids}, SendMessage, strict=False)
    said = chat.Said(
        sent.conversation_id, UUID(int=3), 1, "staff", 1, "1001", "员工", "text", datetime.now(UTC), str(sent.body),
        sent.client_id,
    )  # fmt: skip
    for own in (True, False):
        frame = chat.frame(said, own=own)
        assert msgspec.json.decode(msgspec.json.encode(frame), type=AnyServerFrame) == frame
