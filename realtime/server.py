"""The app of a node: the WebSocket, its health, its metrics."""

from typing import Any

from litestar import Litestar, Request, Response, asgi, get
from litestar.datastructures import State

from kernel.process.address import Addresses, inside, networks
from kernel.settings import Settings, words
from kernel.settings.origins import Origins
from kernel.telemetry import logs, metrics
from kernel.text.negotiation import language
from realtime.connection import Connection
from realtime.handshake import PATH, SUBPROTOCOL, Handshake, Refusal, headers
from realtime.hub import Hub

_log = logs.logger(__name__)


class Application:
    """The ASGI app: a WebSocket is opened at once, what is asked over HTTP goes through Litestar.

    Litestar's layers would take a part of what it takes to open one, for nothing. Raises `Misconfigured` for a
    wrong HEXAD_ORIGINS.
    """

    def __init__(self, settings: Settings, hub: Hub) -> None:
        self._hub, self._addresses = hub, Addresses(settings)
        self._handshake = Handshake(Origins(words(settings.origins)))
        self._http = Litestar(
            [no_socket, live, ready, read_metrics],
            state=State({"hub": hub, "addresses": self._addresses, "metrics_from": networks(settings.metrics_from)}),
            openapi_config=None,
            logging_config=None,
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await self._open(scope, receive, send)
        else:
            await self._http(scope, receive, send)

    async def _open(self, scope: Any, receive: Any, send: Any) -> None:
        """One client, from its upgrade until its socket is gone."""
        host = self._addresses.client(scope)
        if refusal := self._handshake.refusal(scope) or self._hub.refusal(host):
            await _refuse(send, "websocket.http.response", refusal)
            return
        cut = scope["extensions"]["hexad.cut"]["call"]
        write = scope["extensions"]["hexad.write"]["call"]
        spoken = language(", ".join(headers(scope, b"accept-language")))
        connection = Connection(self._hub, host, receive, send, cut, write, spoken)
        with self._hub.holding(connection):
            await receive()
            await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
            try:
                await connection.run()
            except Exception:  # noqa: BLE001  # our fault, not the client's; the node and its other sockets go on
                _log.exception("a connection failed")
                cut(1011, "internal error")


@asgi(PATH, copy_scope=False)
async def no_socket(scope: Any, receive: Any, send: Any) -> None:
    """Says what is here to whoever asks without an upgrade."""
    await _refuse(send, "http.response", Refusal(426, f"this is a WebSocket: {SUBPROTOCOL}"))


@get("/health/live")
async def live() -> dict[str, str]:
    """The event loop answers."""
    return {"status": "ok"}


@get("/health/ready")
async def ready(state: State) -> Response[dict[str, str]]:
    """503 while draining or without a database; an item that fails is named, and keeps no client from any node."""
    if problem := state.hub.problem:
        return Response({"status": "unready", "problem": problem, "instance": state.hub.instance}, status_code=503)
    troubles = {"failing": failing} if (failing := state.hub.troubles) else {}
    return Response({"status": "ok", "instance": state.hub.instance, **troubles})


@get("/metrics")
async def read_metrics(request: Request[Any, Any, State], state: State) -> Response[bytes]:
    """Prometheus metrics, only for the networks of HEXAD_METRICS_FROM; looks missing from elsewhere."""
    if not inside(state.addresses.client(request.scope), state.metrics_from):
        return Response(b"", status_code=404)
    state.hub.observe()
    body, media_type = metrics.render()
    return Response(body, media_type=media_type)


async def _refuse(send: Any, kind: str, refusal: Refusal) -> None:
    body = refusal.why.encode()
    told = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))]
    if refusal.retry_after is not None:
        told.append((b"retry-after", b"%d" % refusal.retry_after))
    if refusal.status == 426:
        told += [(b"upgrade", b"websocket"), (b"connection", b"upgrade")]
    await send({"type": f"{kind}.start", "status": refusal.status, "headers": told})
    await send({"type": f"{kind}.body", "body": body})
