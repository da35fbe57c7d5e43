"""Text becomes a frame or is told apart by what is wrong with it."""

from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobile_contracts.frame import Auth, Error, Ping, Pong, SendMessage
from realtime.wire import Broken, kind, read, write


def test_frames_are_read() -> None:
    conversation = UUID(int=7)
    text = f'{{"type":"auth","token":"t","device_id":"d","resume":{{"{conversation}":3}}}}'
    assert read(text.encode()) == Auth("t", "d", {conversation: 3})
    assert read(b' {"n": 1, "type": "ping"} ') == Ping(1)


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{", b"nonsense", b"[]", b"null", b'"ping"', b"{}", b'{"n":1}', b'{"type":"ping","n":1} x',
        b'{"type":"shout","n":1}', b'{"type":1}', b'{"type":null}', b'{"type":["ping"]}',
        b'{"type":"ping","n":1,"m":2}',
        b'{"type":"auth","token":"t","device_id":"d","seq":1}', b'{"type":"ping","n":NaN}',
        b'{"type":"ping","n":Infinity}',
        b'{"type":"ping","n":' + b"[" * 60_000, b'{"type":"ping","n":1,"x":' + b'{"a":' * 10_000, b"[" * 65_000,
        b'{"type":"ping","n":1,"\\udfff":1}', b"\xff\xfe", b'{"type":"ping","n":1,"m":"\\ud800"}',
        b'{"type":"auth","token":"\xed\xa0\x80","device_id":"d"}',
    ],
)  # fmt: skip
def test_what_is_not_even_in_shape_is_hopeless(text: bytes) -> None:
    found = read(text)
    assert isinstance(found, Broken)
    assert found.hopeless


@pytest.mark.parametrize(
    "text",
    [
        b'{"type":"ping"}', b'{"type":"ping","n":"1"}', b'{"type":"ping","n":-1}', b'{"type":"ping","n":1.5}',
        b'{"type":"ping","n":1e999}', b'{"type":"ping","n":9007199254740992}',
        b'{"type":"ping","n":' + b"9" * 5000 + b"}",
        b'{"type":"ping","n":null}', b'{"type":"auth","token":"t"}', b'{"type":"auth","token":"","device_id":"d"}',
        b'{"type":"auth","token":"t\\u0000","device_id":"d"}', b'{"type":"auth","token":"t","device_id":"d\\u0000"}',
        b'{"type":"auth","token":"t","device_id":"' + b"d" * 65 + b'"}',
        b'{"type":"auth","token":"t","device_id":""}', b'{"type":"auth","token":"t","device_id":"a/b"}',
        b'{"type":"auth","token":"' + b"t" * 4097 + b'","device_id":"d"}',
        b'{"type":"auth","token":"t","device_id":"d","resume":{"no uuid":1}}',
        b'{"type":"auth","token":"t","device_id":"d","resume":{"00000000-0000-0000-0000-000000000007":-1}}',
        b'{"type":"auth","token":"t","device_id":"d","resume":[]}',
    ],
)  # fmt: skip
def test_a_value_that_its_field_does_not_take_is_not_hopeless(text: bytes) -> None:
    found = read(text)
    assert isinstance(found, Broken)
    assert not found.hopeless


@pytest.mark.parametrize(
    ("client_id", "named"),
    [('"00000000-0000-0000-0000-000000000007"', UUID(int=7)), ('"seven"', None), ("7", None), ('"\\ud800"', None)],
)
def test_what_has_the_shape_of_a_frame_is_answered_under_its_ids(client_id: str, named: UUID | None) -> None:
    conversation = UUID(int=8)
    text = f'{{"type":"send","client_id":{client_id},"conversation_id":"{conversation}","kind":"text","body":5}}'
    found = read(text.encode())
    assert isinstance(found, Broken)
    assert (found.hopeless, found.client_id, found.conversation_id) == (False, named, conversation)


def test_what_is_wrong_is_said_without_a_pattern() -> None:
    found = read(b'{"type":"auth","token":"t","device_id":"a b"}')
    assert isinstance(found, Broken)
    assert found.why == "Not written as this field is - at `$.device_id`"


def test_half_a_character_is_read_as_the_mark_of_one() -> None:
    ids = '"client_id":"00000000-0000-0000-0000-000000000007","conversation_id":"00000000-0000-0000-0000-000000000008"'
    for written, body in ((r"a\ud83d", "a\ufffd"), (r"\uD83D\uDE00", "😀"), (r"\\ud83d \udc00", "\\ud83d \ufffd")):
        found = read(f'{{"type":"send",{ids},"kind":"text","body":"{written}"}}'.encode())
        assert isinstance(found, SendMessage)
        assert found.body == body


def test_at_most_a_thousand_conversations_are_resumed() -> None:
    def auth(count: int) -> bytes:
        resume = {str(UUID(int=i)): 1 for i in range(count)}
        return msgspec.json.encode({"type": "auth", "token": "t", "device_id": "d", "resume": resume})

    assert isinstance(read(auth(1000)), Auth)
    assert isinstance(read(auth(1001)), Broken)


def test_what_is_not_set_is_not_sent() -> None:
    assert write(Error("bad_frame", "why")) == '{"type":"error","code":"bad_frame","detail":"why"}'
    assert kind(Pong(1)) == "pong"


@given(st.binary(max_size=200))
def test_no_bytes_make_it_raise(data: bytes) -> None:
    assert isinstance(read(data), Auth | Ping | Broken)
