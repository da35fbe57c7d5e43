"""The app of a node: the WebSocket, its health, its metrics."""

from typing import Any

from litestar import Litestar, Request, Response, asgi, get
from litestar.datastructures import State

from kernel import logs, metrics
from kernel.address import Addresses, inside, networks
from kernel.negotiation import language
from kernel.origins import Origins
from kernel.settings import Settings, words
from realtime.connection import Connection
from realtime.handshake import SUBPROTOCOL, Handshake, Refusal, headers
from realtime.hub import Hub

_log = logs.logger(__name__)


def application(settings: Settings, hub: Hub) -> Litestar:
    """The ASGI app; raises `Misconfigured` for a wrong HEXAD_ORIGINS."""
    handshake = Handshake(Origins(words(settings.origins)))
    return Litestar(
        [open_socket, live, ready, read_metrics],
        state=State(
            {
                "hub": hub,
                "handshake": handshake,
                "addresses": Addresses(settings),
                "metrics_from": networks(settings.metrics_from),
            }
        ),
        openapi_config=None,
        logging_config=None,
    )


@asgi("/ws", copy_scope=False)
async def open_socket(scope: Any, receive: Any, send: Any) -> None:
    """One client, from its upgrade until its socket is gone."""
    if scope["type"] != "websocket":
        await _refuse(send, "http.response", Refusal(426, f"this is a WebSocket: {SUBPROTOCOL}"))
        return
    state = scope["litestar_app"].state
    host = state.addresses.client(scope)
    if refusal := state.handshake.refusal(scope) or state.hub.refusal(host):
        await _refuse(send, "websocket.http.response", refusal)
        return
    cut = scope["extensions"]["hexad.cut"]["call"]
    write, spoken = scope["extensions"]["hexad.write"]["call"], language(", ".join(headers(scope, b"accept-language")))
    connection = Connection(state.hub, host, receive, send, cut, write, spoken)
    with state.hub.holding(connection):
        await receive()
        await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
        try:
            await connection.run()
        except Exception:  # noqa: BLE001  # our fault, not the client's; the node and its other sockets go on
            _log.exception("a connection failed")
            cut(1011, "internal error")


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
