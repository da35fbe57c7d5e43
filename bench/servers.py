"""Ours, the floor and the peer as processes on this machine: started together, asked in turn."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

import msgspec
import psutil
from msgspec import Struct

from kernel.errors import Misconfigured, Unavailable
from kernel.settings import PREFIX, Settings, environment

_START_SECONDS = 120.0
_PEERS_PACKAGES = ("fastapi", "sqlalchemy", "greenlet", "httptools")


class Server(Struct, frozen=True):
    """A process that listens on a port of this machine; its output is kept in a file."""

    name: str
    port: int
    output: Path
    pid: int = 0

    def cpu(self) -> float:
        """Seconds of processor time that it and its children have used."""
        everyone = [psutil.Process(self.pid)]
        everyone += everyone[0].children(recursive=True)
        return sum(sum(one.cpu_times()[:2]) for one in everyone)


def check_peer() -> None:
    """Raises `Misconfigured` when the peer's packages are not there."""
    if missing := [name for name in _PEERS_PACKAGES if find_spec(name) is None]:
        raise Misconfigured(
            f"the peer needs {', '.join(missing)}: install them with `uv sync --group bench`, or leave it out"
            " with --without-peer"
        )


@contextlib.contextmanager
def ours(settings: Settings) -> Iterator[Server]:
    """`hexad serve api` as in production: sign-in, policies, transactions, access log; its limits raised."""
    port = free_port()
    own = msgspec.structs.replace(
        settings, api_port=port, api_workers=1, rate_per_address=1e6, rate_per_principal=1e6, api_inflight=1000
    )
    with _process("ours", port, settings.var, ("hexad.main", "serve", "api"), environment(own)) as server:
        yield server


@contextlib.contextmanager
def floor(url: str, settings: Settings) -> Iterator[Server]:
    """The bare handlers on the same server."""
    port = free_port()
    given = {"BENCH_DATABASE_URL": url, "BENCH_PORT": str(port), "BENCH_POOL": str(settings.pool_size)}
    with _process("floor", port, settings.var, ("bench.floor",), given) as server:
        yield server


@contextlib.contextmanager
def realtime(settings: Settings, port: int = 0) -> Iterator[Server]:
    """`hexad serve realtime` as in production; its limit on connections from one address raised."""
    port = port or free_port()
    own = msgspec.structs.replace(settings, realtime_port=port, sockets_per_address=20_000)
    with _process("realtime", port, settings.var, ("hexad.main", "serve", "realtime"), environment(own)) as server:
        yield server


@contextlib.contextmanager
def echo(settings: Settings) -> Iterator[Server]:
    """A bare WebSocket server that stores nothing."""
    port = free_port()
    with _process("echo", port, settings.var, ("bench.echo",), {"BENCH_PORT": str(port)}) as server:
        yield server


@contextlib.contextmanager
def peer(url: str, settings: Settings, secret: str) -> Iterator[Server]:
    """The usual stack."""
    port = free_port()
    given = {"BENCH_DATABASE_URL": url, "BENCH_PORT": str(port), "BENCH_POOL": str(settings.pool_size)}
    with _process("peer", port, settings.var, ("bench.peer",), {**given, "BENCH_SECRET": secret}) as server:
        yield server


@contextlib.contextmanager
def relay(settings: Settings) -> Iterator[Server]:
    """`hexad relay` as in production."""
    own = msgspec.structs.replace(settings, relay_port=free_port())
    with _process("relay", own.relay_port, own.var, ("hexad.main", "relay"), environment(own)) as server:
        yield server


@contextlib.contextmanager
def worker(settings: Settings) -> Iterator[Server]:
    """`hexad work` as in production."""
    own = msgspec.structs.replace(settings, worker_port=free_port())
    with _process("worker", own.worker_port, own.var, ("hexad.main", "work"), environment(own)) as server:
        yield server


@contextlib.contextmanager
def mail(settings: Settings) -> Iterator[Server]:
    """`hexad mail` as in production."""
    own = msgspec.structs.replace(settings, mailer_port=free_port())
    with _process("mailer", own.mailer_port, own.var, ("hexad.main", "mail"), environment(own)) as server:
        yield server


@contextlib.contextmanager
def gateway(settings: Settings) -> Iterator[None]:
    """The bench's gateway."""
    with _silent("gateway", settings.var, (sys.executable, "-m", "bench.gateway"), environment(settings)):
        yield


@contextlib.contextmanager
def celery(settings: Settings, superuser: str) -> Iterator[None]:
    """The peer of the fan-out: two children that do its tasks, and what passes receipts on to them."""
    given = {**environment(settings), "BENCH_DATABASE_URL": superuser}
    command = (sys.executable, "-m", "celery", "-A", "bench.tasks", "worker", "-c", "2", "-l", "WARNING",
               "--without-gossip", "--without-mingle", "--without-heartbeat")  # fmt: skip
    with (
        _silent("celery", settings.var, command, given),
        _silent("receipts", settings.var, (sys.executable, "-m", "bench.tasks"), given),
    ):
        yield


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _process(
    name: str, port: int, folder: Path, command: tuple[str, ...], given: Mapping[str, str]
) -> Iterator[Server]:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(PREFIX)}
    output = folder / f"{name}.log"
    with output.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], env={**inherited, **given}, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        _wait(process, name, port, output)
        yield Server(name, port, output, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(_START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def _silent(name: str, folder: Path, command: tuple[str, ...], given: Mapping[str, str]) -> Iterator[None]:
    """A process without a port."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(PREFIX)}
    with (folder / f"{name}.log").open("wb") as out:
        process = subprocess.Popen(command, env={**inherited, **given}, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(_START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], name: str, port: int, output: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise Unavailable(f"{name} did not start: {output.read_text(errors='replace')[-800:]}")
