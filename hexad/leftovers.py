"""Which processes a run of `hexad up` started, written down so that the next one can end what a killed one left."""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil

from kernel.errors import Misconfigured, Unavailable

MARK = "UP_RUN"
"""Every process of a run has this variable, with a value of that run alone: its name or number proves nothing."""

_CLOCK_STEP = 2.0


class Run(msgspec.Struct):
    """What stands in `<var>/up.json`: the mark of a run, and its supervisor's forks as (id, start in Unix seconds)."""

    mark: str = msgspec.field(default_factory=lambda: secrets.token_hex(16))
    processes: list[tuple[int, float]] = []

    def write(self, var: Path) -> None:
        """Replaces the file at once, so that a crash leaves the old one or the new one."""
        new = var / "up.json.new"
        new.write_bytes(msgspec.json.encode(self))
        new.rename(var / "up.json")

    def note_children(self, var: Path) -> None:
        """Writes down which children this process has now."""
        self.processes = [(child.pid, child.create_time()) for child in psutil.Process().children()]
        self.write(var)

    def alive(self) -> list[psutil.Process]:
        """The processes of the run that still live, without the caller."""
        return [process for process in psutil.process_iter() if process.pid != os.getpid() and self._holds(process)]

    def end(self, patience: float) -> int:
        """Ends them, by force those that live longer than `patience` seconds, and gives how many there were."""
        found = self.alive()
        for process in found:
            with contextlib.suppress(psutil.Error):
                process.terminate()
        for process in psutil.wait_procs(found, timeout=patience)[1]:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(found, timeout=patience)
        return len(found)

    def _holds(self, process: psutil.Process) -> bool:
        with contextlib.suppress(psutil.Error):
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            if any(process.pid == pid and abs(process.create_time() - at) < _CLOCK_STEP for pid, at in self.processes):
                return True
            return bool(process.environ().get(MARK) == self.mark)
        return False


def last_run(var: Path) -> Run | None:
    """The run that was written down last and did not end cleanly."""
    try:
        return msgspec.json.decode((var / "up.json").read_bytes(), type=Run)
    except (OSError, msgspec.MsgspecError):
        return None


def forget(var: Path) -> None:
    """Nothing of the run is left."""
    (var / "up.json").unlink(missing_ok=True)


@contextlib.contextmanager
def alone(var: Path) -> Iterator[None]:
    """Holds the folder for this process; raises `Unavailable` when another `hexad up` runs on it.

    A POSIX record lock: the kernel lets go of it when this very process ends, however it ends; children do not hold it.
    """
    try:
        file = (var / "up.lock").open("a+")
    except OSError as error:
        raise Misconfigured(f"HEXAD_VAR is {var}, which cannot be written ({error.strerror})") from error
    with file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise Unavailable(
                f"another `hexad up` (process {file.read().strip()}) runs on {var}: stop it with Ctrl-C where it runs,"
                " or give this one a folder and ports of its own (HEXAD_VAR, HEXAD_API_PORT, …)"
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def held(var: Path) -> bool:
    """Whether a `hexad up` of another process runs on the folder."""
    try:
        with (var / "up.lock").open("r+") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
