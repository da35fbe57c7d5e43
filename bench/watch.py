"""What a command and the PostgreSQL that it works on take while it runs."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil
from msgspec import Struct

_EVERY = 1.0
"""Seconds between two looks: to count the pages of a process takes a tenth of a second, and stops it meanwhile."""


class Taken(Struct, frozen=True):
    """Processor seconds, and the largest memory at one moment in MiB."""

    processor_seconds: float
    memory_mib: float


class Watch(threading.Thread):
    """Samples a process with its children and a cluster, until the process has ended and waits for its parent."""

    def __init__(self, pid: int, data: Path, every: float = _EVERY) -> None:
        super().__init__(daemon=True)
        self._every = every
        self._process = psutil.Process(pid)
        self._cluster = psutil.Process(int((data / "postmaster.pid").read_text().split("\n", 1)[0]))
        self._ours = self._theirs = 0.0
        self._before = _seconds(self._cluster)

    def run(self) -> None:
        """Until the process has ended."""
        with contextlib.suppress(psutil.NoSuchProcess):
            while self._process.status() != psutil.STATUS_ZOMBIE:
                self._ours = max(self._ours, _memory(_family(self._process, but="postgres"), _alone))
                self._theirs = max(self._theirs, _memory(_family(self._cluster), _with_its_share))
                time.sleep(self._every)

    def taken(self, seconds: float) -> tuple[Taken, Taken]:
        """By the process, which its parent knows to have used so many seconds, and by PostgreSQL."""
        self.join()
        return Taken(seconds, self._ours), Taken(_seconds(self._cluster) - self._before, self._theirs)


def _family(process: psutil.Process, but: str = "") -> list[psutil.Process]:
    return [one for one in (process, *process.children(recursive=True)) if _name(one) != but]


def _name(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return process.name()
    return ""


def _seconds(process: psutil.Process) -> float:
    """Processor seconds of a process with its children, those that it has buried included."""
    total = 0.0
    for one in _family(process):
        with contextlib.suppress(psutil.Error):
            used = one.cpu_times()
            total += used.user + used.system
            if one == process:
                total += used.children_user + used.children_system
    return total


def _memory(processes: Iterable[psutil.Process], of: Callable[[psutil.Process], int]) -> float:
    total = 0
    for one in processes:
        with contextlib.suppress(psutil.Error):
            total += of(one)
    return total / (1 << 20)


def _alone(process: psutil.Process) -> int:
    """What is its alone, not the pages that it shares."""
    return int(process.memory_full_info().uss)


def _with_its_share(process: psutil.Process) -> int:
    """With its part of what it shares: all of a cluster together have their buffers once."""
    return int(process.memory_full_info().pss)
