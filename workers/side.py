"""The process of errands beside the worker's children: started with the worker, again when it ends, stopped with it."""

import os
import signal
import subprocess
import sys
import threading

from kernel import logs
from kernel.settings import PREFIX, Settings, environment

_PAUSE_SECONDS = 1.0
_COMMAND = [sys.executable, "-P", "-m", "workers.errand"]
_log = logs.logger(__name__)


class Side:
    """Keeps one process running on a thread of its own: Linux ends a child with the thread that made it."""

    def __init__(self, settings: Settings, command: list[str] | None = None) -> None:
        self._command = command or [*_COMMAND, str(os.getpid())]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        self._environment = {**inherited, **environment(settings)}
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, name="errands", daemon=True)

    @property
    def problem(self) -> str | None:
        """Why no errands are done, null when they are."""
        process = self._process
        return None if process is not None and process.poll() is None else "the process of errands does not run"

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
            self._process = subprocess.Popen(self._command, env=self._environment)
            if self._stopping.is_set():
                self.ask()
            code = self._process.wait()
            if not self._stopping.wait(_PAUSE_SECONDS):
                _log.warning("the process of errands ended and is started again", exit_code=code)
