"""Ports of this host that are still free when a test's server takes them, seconds after they were picked.

The kernel gives the ports of `ip_local_port_range` to whoever connects: a port picked there may be gone again before
its server listens. These lie below that range, each test process has a slice of its own, and walks through it.
"""

import itertools
import os
import random
import socket
from collections.abc import Iterator
from pathlib import Path

FIRST, SLICES, _ENOUGH = 10_000, 8, 2000
LAST = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])


def free() -> int:
    """A port that nobody listens on, and that no test of this run is given for a long while."""
    for port in _WALK:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError("the walk has no end")


def _walk() -> Iterator[int]:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    size = (LAST - FIRST) // SLICES
    if size < _ENOUGH:  # a host that gives nearly all of its ports to whoever connects
        raise RuntimeError(f"net.ipv4.ip_local_port_range begins at {LAST}: tests need ports from {FIRST} to 30,000")
    first, start = FIRST + worker % SLICES * size, random.SystemRandom().randrange(size)
    return itertools.cycle(first + (start + step) % size for step in range(size))


_WALK = _walk()
