"""The ports that `hexad up` needs: whether they are free, and if not, whose they are and which setting moves ours."""

from kernel.errors import Unavailable
from kernel.ports import fault
from kernel.settings import PREFIX, Settings

_PORTS = {
    "api_port": "api_host",
    "realtime_port": "realtime_host",
    "worker_port": "probe_host",
    "relay_port": "probe_host",
    "beat_port": "probe_host",
    "sms_simulator_port": "simulator_host",
    "mailbox_port": "simulator_host",
    "smtp_simulator_port": "simulator_host",
}
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  not listened on: an address to reach such a server at


def address(settings: Settings, port: str) -> str:
    """Where a server with this port setting is reached from this machine, as `host:port`."""
    host = getattr(settings, _PORTS[port])
    host = _ANY.get(host, host)
    return f"{f'[{host}]' if ':' in host else host}:{getattr(settings, port)}"


def check_free(settings: Settings) -> None:
    """Raises `Unavailable` naming every port that cannot be had."""
    faults, taken = [], dict[int, str]()
    for port, host in _PORTS.items():
        number, variable = getattr(settings, port), f"{PREFIX}{port.upper()}"
        if number in taken:
            faults.append(f"{taken[number]} and {variable} are both {number}: change one of them")
        elif why := fault(getattr(settings, host), number):
            faults.append(f"{why} ({variable} or {PREFIX}{host.upper()} moves ours)")
        taken.setdefault(number, variable)
    if faults:
        raise Unavailable("; ".join(faults))
