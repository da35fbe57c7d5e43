"""Whether a server of ours can listen on an address, asked before it tries: some would share a port in silence."""

import contextlib
import errno
import socket

import psutil

from kernel.errors import Unavailable
from kernel.settings import PREFIX, Settings


def check_free(settings: Settings, port: str, host: str) -> None:
    """Raises `Unavailable` naming the two settings when nobody can listen there, or somebody does already."""
    if why := fault(getattr(settings, host), getattr(settings, port)):
        raise Unavailable(f"{why} ({PREFIX}{port.upper()} or {PREFIX}{host.upper()} moves ours)")


def fault(host: str, port: int) -> str:
    """Why nobody can listen there, empty when it can be had."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except UnicodeError:
        return f"nothing can listen on {host} port {port}: it is no address"
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return f"port {port} is in use{by(port)}: stop that first"
        return f"nothing can listen on {host} port {port}: {error.strerror or error}"
    return ""


def numeric(host: str, port: int) -> str:
    """The first address of a name that `check_free` found well."""
    return str(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0])


def by(port: int) -> str:
    """Which process listens there, as ` by process …`; empty where the system does not let us see it."""
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
                command = " ".join(psutil.Process(connection.pid).cmdline())[:80]
                return f" by process {connection.pid} ({command})"
    return ""
