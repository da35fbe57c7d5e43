"""A `hexad up` of the test's own: its folder, its ports, what it prints, and whether anything of it is left."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from tests import ports

HEXAD = Path(sys.executable).with_name("hexad")
PORTS = (
    "API", "REALTIME", "WORKER", "RELAY", "BEAT", "MAILER", "SMS_SIMULATOR", "SMTP_SIMULATOR", "ADVISORY_SIMULATOR",
)  # fmt: skip
READY_SECONDS = 90.0
STOP_SECONDS = 60.0


def own_environment(var: Path) -> dict[str, str]:
    """The environment of a system in this folder, on free ports."""
    names = [*(f"HEXAD_{name}_PORT" for name in PORTS), "HEXAD_MAILBOX_PORT"]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("HEXAD_", "COV_"))}
    return {**inherited, **{name: str(ports.free()) for name in names}, "HEXAD_VAR": str(var)}


class Up:
    """One run; its output is kept in a file, as a terminal would show it."""

    def __init__(self, environment: dict[str, str], output: Path, command: Sequence[str | Path] = (HEXAD, "up"),
                 cwd: Path | None = None) -> None:  # fmt: skip
        self.environment, self.output = environment, output
        with output.open("wb") as out:
            self.process = subprocess.Popen(
                command, env=environment, stdout=out, stderr=subprocess.STDOUT, start_new_session=True, cwd=cwd
            )

    @property
    def said(self) -> str:
        """Everything that it printed until now."""
        return self.output.read_text(errors="replace")

    def url(self, path: str, port: str = "API") -> str:
        """An address of this system."""
        return f"http://127.0.0.1:{self.environment[f'HEXAD_{port}_PORT']}{path}"

    def wait_ready(self) -> float:
        """Seconds to ready, as it says itself."""
        self.wait(lambda: "Hexad is ready" in self.said or self.process.poll() is not None, READY_SECONDS)
        found = re.search(r"Hexad is ready after ([\d.]+) s", self.said)
        assert found, self.said
        return float(found[1])

    def wait(self, condition: Callable[[], bool], seconds: float) -> None:
        """Waits for a condition; the test fails with the output when it does not come."""
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, self.said
            time.sleep(0.05)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Stops it as a terminal does: the signal goes to the whole foreground group. Gives the exit code."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)
        return self.process.wait(STOP_SECONDS)

    def run(self, *args: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """Another `hexad` command in the same environment."""
        return subprocess.run(
            [HEXAD, *args], env=self.environment, capture_output=True, text=True, timeout=seconds, check=False
        )

    def processes(self, containing: str = "") -> list[psutil.Process]:
        """What lives of this system, PostgreSQL included, whose command line contains the text."""
        var = self.environment["HEXAD_VAR"]
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                command = " ".join(process.cmdline())
                ours = process.environ().get("HEXAD_VAR") == var or f"{var}/" in command
                if ours and containing in command and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def kill_everything(self) -> None:
        """As a machine that lost its power: whatever lives of it is gone at once."""
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()
        self.process.wait(STOP_SECONDS)
