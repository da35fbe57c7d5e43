"""The process of errands beside the worker's children: started with the worker, again when it ends, stopped with it."""

import os
import signal
import subprocess
import sys
import threading

from kernel.process.apart import Apart
from kernel.settings import PREFIX, Settings, environment
from kernel.telemetry import logs

_PAUSE_SECONDS = 1.0
_COMMAND = [sys.executable, "-P", "-m", "workers.errand"]
_log = logs.logger(__name__)
_BOARD_BYTES = 4096


class Board:
    """What is wrong with the process of errands, written by it where its worker reads it: a file without a name."""

    def __init__(self, number: int) -> None:
        self.number = number

    @classmethod
    def made(cls) -> "Board":
        """A new one, which the process is given when it starts."""
        return cls(os.memfd_create("errands", 0))  # inherited by whatever is started from here

    def write(self, problem: str | None) -> None:
        """Says what is wrong now, null when nothing is."""
        os.pwrite(self.number, (problem or "").encode()[:_BOARD_BYTES].ljust(_BOARD_BYTES, b"\0"), 0)

    def read(self) -> str | None:
        """What was said last."""
        return os.pread(self.number, _BOARD_BYTES, 0).rstrip(b"\0").decode(errors="replace") or None


class Side:
    """Keeps one process running on a thread of its own: Linux ends a child with the thread that made it."""

    def __init__(self, settings: Settings, command: list[str] | None = None) -> None:
        self._command = command or [*_COMMAND, str(os.getpid())]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        self._environment = {**inherited, **environment(settings)}
        self._stopping, self._board, self._failing = threading.Event(), Board.made(), Apart("errands")
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, name="errands", daemon=True)

    @property
    def problem(self) -> str | None:
        """Why no errands are done, null when they are."""
        process = self._process
        if process is None or process.poll() is not None:
            return self._failing.problem() or "the process of errands does not run"
        return self._board.read()

    def start(self) -> None:
        """Starts it, and returns at once."""
        self._thread.start()

    def ask(self) -> None:
        """Asks it to end what it has in hand."""
        self._stopping.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)

    def stop(self, seconds: float) -> None:
        """Waits until it has ended, in bounds; what it could not end comes again."""
        self.ask()
        self._thread.join(seconds)
        if self._process is not None and self._process.poll() is None:
            self._process.kill()

    def _keep(self) -> None:
        while not self._stopping.is_set():
            self._failing.forget()
            with self._failing.turn():
                self._board.write(None)
                self._run()
            self._stopping.wait(_PAUSE_SECONDS)

    def _run(self) -> None:
        """Starts it, and returns when it has ended.

        Without `close_fds` it is spawned: else Popen would wait for the end of a pipe that a child of the worker, made
        by another thread in that moment, holds open for as long as it lives.
        """
        command = [*self._command, str(self._board.number)]
        self._process = subprocess.Popen(command, env=self._environment, close_fds=False)
        if self._stopping.is_set():
            self.ask()
        code = self._process.wait()
        if not self._stopping.is_set():
            _log.warning("the process of errands ended and is started again", exit_code=code)
