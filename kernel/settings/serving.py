"""What the API and the WebSocket server listen to, and how much they take."""

from typing import Annotated

from kernel.settings.meaning import says
from kernel.settings.store import Store


class Serving(Store, frozen=True, kw_only=True):
    """What the API and the WebSocket server listen to, and how much they take."""

    api_host: Annotated[str, says("address that the API listens on")] = "127.0.0.1"
    api_port: Annotated[int, says("port of the API", ge=1, le=65535)] = 8000
    api_workers: Annotated[int, says("API processes on this host", ge=1, le=64)] = 1
    api_inflight: Annotated[int, says("requests in work per API process; more get 503", ge=1, le=100_000)] = 200
    api_connections: Annotated[
        int, says("connections open per API process; further ones wait until one ends", ge=10, le=200_000)
    ] = 10_000
    body_seconds: Annotated[float, says("longest time that the body of a request may take to arrive", gt=0, le=600)] = (
        60.0
    )
    bodies: Annotated[
        int, says("bodies that an API process reads at once; beyond, the oldest is given up", ge=1, le=100_000)
    ] = 1_000
    bodies_per_address: Annotated[int, says("the same for each client address", ge=1, le=100_000)] = 100
    audiences: Annotated[str, says("audiences that this host serves, comma-separated")] = "staff,investor,gateway"
    realtime_host: Annotated[str, says("address that the WebSocket server listens on")] = "127.0.0.1"
    realtime_port: Annotated[int, says("port of the WebSocket server", ge=1, le=65535)] = 8001
    origins: Annotated[
        str, says("web origins whose pages may use the API and the WebSocket, comma-separated, `https://…`")
    ] = ""
    sockets: Annotated[int, says("WebSocket connections per node; more get 503", ge=1, le=200_000)] = 20_000
    sockets_per_address: Annotated[
        int, says("WebSocket connections per address that have not signed in yet; the oldest makes room", ge=1)
    ] = 4_000
    sockets_per_principal: Annotated[int, says("WebSocket connections per signed-in principal", ge=1)] = 20
    socket_ping: Annotated[float, says("interval at which a node pings its WebSockets", gt=0, le=300)] = 25.0
    socket_silence: Annotated[float, says("silence after which a WebSocket is dropped", gt=0, le=600)] = 60.0
    trusted_proxies: Annotated[str, says("networks whose X-Forwarded-For is believed, comma-separated")] = ""
    rate_per_address: Annotated[float, says("requests per second and address", gt=0)] = 200.0
    rate_per_principal: Annotated[float, says("requests per second and signed-in principal", gt=0)] = 50.0
    rate_burst: Annotated[float, says("seconds' worth of requests that may come at once", ge=1)] = 4.0
    minimum_app_version: Annotated[str, says("apps below this version are told to update")] = "0.0.0"
    store_url: Annotated[str, says("where an app too old is sent")] = ""
    public_url: Annotated[
        str, says("where people reach the API, for links in messages, https://…; empty: HEXAD_API_HOST and _PORT")
    ] = ""
