"""Asking a process of ours how it is, over its health port."""

import http.client
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from hexad import ports
from kernel.errors import Unavailable
from kernel.settings import Settings, words

PROCESSES: Mapping[str, str] = {
    "api": "api_port",
    "realtime": "realtime_port",
    "worker": "worker_port",
    "relay": "relay_port",
    "beat": "beat_port",
    "mailer": "mailer_port",
}
"""The setting with the health port of each process."""

SIMULATORS: Mapping[str, str] = {
    "sms": "sms_simulator_port",
    "smtp": "mailbox_port",
    "advisory": "advisory_simulator_port",
}
"""The setting with the health port of each simulator."""

SILENT = "not answering"
STRANGE = "another program than Hexad answers"
_SECONDS = 3.0


class Health(NamedTuple):
    """Why a process is not ready or not alive, empty when it is; and of which database it says it is."""

    problem: str
    instance: str = ""


def started(settings: Settings) -> dict[str, str]:
    """The setting with the health port of each process that `hexad up` starts."""
    return {**PROCESSES, **{name: port for name, port in SIMULATORS.items() if name in words(settings.simulators)}}


def problem(address: str, what: Literal["ready", "live"] = "ready") -> str:
    """Why the process at `host:port` is not ready or not alive, empty when it is."""
    return asked(address, what).problem


def asked(address: str, what: Literal["ready", "live"] = "ready") -> Health:
    """What the process at `host:port` says of itself."""
    connection = http.client.HTTPConnection(address, timeout=_SECONDS)
    try:
        connection.request("GET", f"/health/{what}")
        response = connection.getresponse()
        said = msgspec.json.decode(response.read(10_000), type=_Answer)
    except msgspec.MsgspecError:
        return Health(f"{STRANGE} at {address}")
    except (OSError, http.client.HTTPException) as error:
        return Health(f"{SILENT} at {address} ({error})")
    finally:
        connection.close()
    if response.status == 200:
        return Health("", said.instance)
    why = said.problem or "; ".join(said.problems) or response.reason
    return Health(f"not {what}: {why}", said.instance)


def check(settings: Settings, processes: Sequence[str]) -> None:
    """Raises `Unavailable` when a named process does not live; without names, when none answers or one is not well."""
    found = {name: problem(ports.address(settings, PROCESSES[name]), "live") for name in processes or PROCESSES}
    unwell = {name: why for name, why in found.items() if why and (processes or not why.startswith(SILENT))}
    if unwell:
        raise Unavailable("; ".join(f"{name} is {why}" for name, why in unwell.items()))
    if all(found.values()):
        raise Unavailable(f"no process of Hexad answers on this host: {', '.join(PROCESSES)}")


class _Answer(msgspec.Struct):
    status: Literal["ok", "failing", "unready"]
    instance: str = ""
    problem: str = ""
    problems: list[str] = []
