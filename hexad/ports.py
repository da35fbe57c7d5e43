"""The ports of the processes: whether they are free, and if not, whose they are and which setting moves ours."""

import contextlib
import socket
from collections.abc import Iterator
from ipaddress import ip_address

from kernel.errors import Unavailable
from kernel.process import ports
from kernel.settings import PREFIX, Settings, words

_PORTS = {
    "api_port": "api_host",
    "realtime_port": "realtime_host",
    "worker_port": "probe_host",
    "relay_port": "probe_host",
    "beat_port": "probe_host",
    "mailer_port": "probe_host",
    "sms_simulator_port": "probe_host",
    "mailbox_port": "simulator_host",
    "smtp_simulator_port": "simulator_host",
    "advisory_simulator_port": "simulator_host",
}

_SIMULATORS = {
    "sms": ("sms_simulator_port",),
    "smtp": ("mailbox_port", "smtp_simulator_port"),
    "advisory": ("advisory_simulator_port",),
}


def address(settings: Settings, port: str) -> str:
    """Where a server with this port setting is reached from this machine, as `host:port`."""
    host = getattr(settings, _PORTS[port])
    with contextlib.suppress(ValueError):  # a name
        if ip_address(host).is_unspecified:
            host = "::1" if ":" in host else "127.0.0.1"
    return f"{f'[{host}]' if ':' in host else host}:{getattr(settings, port)}"


def moved(port: str) -> str:
    """Which settings move the server with this port setting elsewhere."""
    return f"{PREFIX}{port.upper()} or {PREFIX}{_PORTS[port].upper()} moves ours"


@contextlib.contextmanager
def held(settings: Settings, port: str) -> Iterator[None]:
    """Holds a port for a server that would share it in silence, as Granian does; raises `Unavailable` when it is had.

    What is bound is the UDP port of that number: it is never shared, nor are those of overlapping addresses, and the
    TCP port is left to the server.
    """
    host, number = _PORTS[port], getattr(settings, port)
    ports.check_free(settings, port, host)
    family, kind, _, _, address = socket.getaddrinfo(getattr(settings, host), number, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind) as guard:
        try:
            guard.bind(address)
        except OSError as error:
            raise Unavailable(
                f"port {number} is being taken by another process (UDP port {number} is bound): stop that first"
                f" ({moved(port)})"
            ) from error
        yield


@contextlib.contextmanager
def explained(settings: Settings, port: str) -> Iterator[None]:
    """Turns the failure to listen on the port into an `Unavailable` that says why and names the settings."""
    try:
        yield
    except (OSError, UnicodeError):
        ports.check_free(settings, port, _PORTS[port])
        raise


def check_free(settings: Settings) -> None:
    """Raises `Unavailable` naming every port of what `hexad up` starts that cannot be had."""
    faults, taken = [], dict[int, str]()
    left_out = _SIMULATORS.keys() - set(words(settings.simulators))
    idle = {port for name in left_out for port in _SIMULATORS[name]}
    for port, host in _PORTS.items():
        if port in idle:
            continue
        number, variable = getattr(settings, port), f"{PREFIX}{port.upper()}"
        if number in taken:
            faults.append(f"{taken[number]} and {variable} are both {number}: change one of them")
        elif why := ports.fault(getattr(settings, host), number):
            faults.append(f"{why} ({moved(port)})")
        taken.setdefault(number, variable)
    if faults:
        raise Unavailable("; ".join(faults))
