"""uvicorn's connections, mended where a hostile or vanished peer could make them grow or last for ever.

uvicorn 0.54 waits without end for a first request, for a failed upgrade and for a peer that does not read; an upgrade
that it cannot read has no answer, and what comes behind one is lost; it answers pings and collects empty fragments
without limit; it closes over unread data, which resets the connection, so that the peer never learns the close code;
and it logs an error for every refused upgrade and for text that is not UTF-8.
"""

import asyncio
import re
import struct
from asyncio.transports import BaseTransport
from typing import Any

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame
from websockets.http11 import Request

from realtime.session import GOING, LAST_LOOK_SECONDS, TOO_FAST, TOO_SLOW, Rate

UPGRADE_SECONDS = 15.0
SEND_SECONDS = 10.0
ABSENT_SECONDS = 1.0
"""A timer that is later than this tells of us, not of the client: the node stood still itself."""

LINGER_SECONDS = 2.0
_CLOSE_SECONDS = 15.0
_TEXT, _SHORT, _LONG = 0x81, 126, 1 << 16  # RFC 6455: a whole text frame, and where its length is written otherwise
_REFUSED = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_HEAD = re.compile(
    rb"GET /[!-~]{0,500} HTTP/1\.1\r\n(?:[A-Za-z0-9-]{1,50}: [!-~](?:[ -~]{0,4000}[!-~])?\r\n){1,50}\r\n"
)
_UNUSUAL = frozenset((b"content-length", b"transfer-encoding", b"expect"))


class Http(H11Protocol):
    """A connection that is not an open WebSocket after 15 s ends, whatever it is doing.

    Nearly all are an upgrade and nothing else: such a one is not parsed here, as it is parsed where it is opened.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._begun = False
        self.loop.call_later(UPGRADE_SECONDS, _read_once_more, self.loop, transport)

    def data_received(self, data: bytes) -> None:
        if not self._begun and is_plain_upgrade(data):
            self.connections.discard(self)
            socket = WebSocket(self.config, self.server_state, self.app_state)
            socket.connection_made(self.transport)
            socket.data_received(data)
            self.transport.set_protocol(socket)
        else:
            self._begun = True
            super().data_received(data)

    def handle_websocket_upgrade(self, event: Any) -> None:
        """What was sent behind an upgrade before it was answered is refused, not lost."""
        if self.conn.trailing_data[0]:
            self.send_400_response("Frames come after the upgrade was answered.")
        else:
            super().handle_websocket_upgrade(event)


def is_plain_upgrade(data: bytes) -> bool:
    """Whether these are the whole head of an upgrade in which nothing is unusual, nor doubled, and no byte more."""
    if _HEAD.fullmatch(data) is None:
        return False
    fields = [line.split(b": ", 1) for line in data[:-4].lower().split(b"\r\n")[1:]]
    known = dict(fields)
    return (
        len(known) == len(fields)
        and known.get(b"upgrade") == b"websocket"
        and b"upgrade" in known.get(b"connection", b"").replace(b" ", b"").split(b",")
        and b"host" in known
        and _UNUSUAL.isdisjoint(known)
    )


def _read_once_more(loop: asyncio.AbstractEventLoop, transport: asyncio.Transport) -> None:
    loop.call_later(LAST_LOOK_SECONDS, _expire, transport)


def _expire(transport: asyncio.Transport) -> None:
    current = transport.get_protocol()
    if not (isinstance(current, WebSocket) and current.handshake_complete):
        transport.abort()


class WebSocket(WebSocketsSansIOProtocol):
    """Gives the application two `scope["extensions"]` that need no task.

    `hexad.cut` closes without waiting for the peer, `hexad.write` writes a text frame while the peer keeps up.
    """

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self._rate = Rate(self.loop.time())
        self._deaf: asyncio.TimerHandle | None = None
        self._ending = False
        self._heard_at = 0.0

    def connection_lost(self, exc: Exception | None) -> None:
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._heard_at = self.loop.time()
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self.transport.write(b"".join(self.conn.data_to_send()) or _REFUSED)
            self.transport.close()
            self.handshake_complete = self.close_sent = True

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.close_sent:
            self.scope["extensions"]["hexad.cut"] = {"call": self.cut}
            self.scope["extensions"]["hexad.write"] = {"call": self.write_text}

    def handle_ping(self) -> None:
        if self._counted():
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        if self._counted():
            super().handle_pong(event)

    def handle_cont(self, event: Frame) -> None:
        if self._counted():
            super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        try:
            if self.curr_msg_data_type == "text":
                b"".join(self.frames).decode()
        except UnicodeDecodeError:
            self.cut(CloseCode.INVALID_DATA, "text is UTF-8")
        else:
            super().send_receive_event_to_app()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._wait_for_reader()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._deaf is not None:
            self._deaf.cancel()
            self._deaf = None

    def _wait_for_reader(self) -> None:
        due = self.loop.time() + SEND_SECONDS
        self._deaf = self.loop.call_at(due, self._has_no_reader, due)

    def _has_no_reader(self, due: float) -> None:
        """Cuts a client that did not read in time, unless it is us who were not there to see it read."""
        if self.loop.time() - due > ABSENT_SECONDS:
            self._wait_for_reader()
        else:
            self.cut(TOO_SLOW, "the client does not read")

    def keepalive_timeout(self) -> None:
        """Who speaks is alive, whether they answer pings or not."""
        if self._heard_at > self.ping_sent_at:
            self.pong_timer, self.pending_ping_payload = None, None
            self.schedule_ping()
        else:
            self.cut(TOO_SLOW, "nothing was heard of the client")

    def handle_parser_exception(self) -> None:
        if self.conn.close_sent is not None:
            self._end(self.conn.close_sent.code, self.conn.close_sent.reason)

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        super().on_task_complete(task)
        self.loop.call_later(_CLOSE_SECONDS, self.transport.abort)

    def shutdown(self) -> None:
        if self.handshake_complete:
            self.cut(GOING, "the node stops")
        else:
            super().shutdown()

    async def send(self, message: ASGISendEvent) -> None:
        await self.writable.wait()
        if self._ending:
            raise ClientDisconnected
        await super().send(message)
        if self.close_sent:
            self.handshake_complete = True

    def write_text(self, text: bytes) -> bool:
        """Writes a text frame at once; false when it must wait, for the peer reads slowly, or the socket ends."""
        if not self.writable.is_set() or self._ending or self.close_sent or self.transport.is_closing():
            return False
        size = len(text)
        if size < _SHORT:
            head = struct.pack("!BB", _TEXT, size)
        elif size < _LONG:
            head = struct.pack("!BBH", _TEXT, _SHORT, size)
        else:
            head = struct.pack("!BBQ", _TEXT, _SHORT + 1, size)
        self.transport.write(head + text)
        return True

    def cut(self, code: int, reason: str) -> None:
        """Says why, ends the stream, reads on for a moment so that it arrives, then drops the connection."""
        if not self.close_sent:
            self.conn.fail(code, reason)
        self._end(code, reason)

    def _end(self, code: int, reason: str) -> None:
        if self._ending or self.transport.is_closing():
            return
        self._ending = self.close_sent = True
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.write_eof()
        self.transport.resume_reading()
        self.writable.set()
        if self.close_timer is not None:
            self.close_timer.cancel()
        self.close_timer = self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    def _counted(self) -> bool:
        if self._rate.take(self.loop.time()):
            return True
        self.cut(TOO_FAST, "too many pings or fragments a second")
        return False
