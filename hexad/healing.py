"""Starts the embedded PostgreSQL again when it dies under a running system, a few times and no more."""

import threading
import time
from collections import deque
from collections.abc import Callable

from hexad.embedded import Postgres
from kernel.errors import HexadError

_LOOK_SECONDS = 0.5
_WITHIN_SECONDS = 600.0


class Healer:
    """Looks every half second on a thread of its own, from `start` until `stop`."""

    def __init__(
        self, server: Postgres, say: Callable[[str], None], give_up: Callable[[], None], at_most: int = 5
    ) -> None:
        """It is started again `at_most` times in 10 minutes.

        `give_up` is called once, when PostgreSQL cannot be started or has died too often; `failed` then says why.
        """
        self.failed = ""
        self._server, self._say, self._give_up = server, say, give_up
        self._died: deque[float] = deque(maxlen=at_most)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="healer", daemon=True)

    def start(self) -> None:
        """Begins to look; PostgreSQL should run by then."""
        self._thread.start()

    def stop(self) -> None:
        """From now on whoever stops PostgreSQL means it."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(_LOOK_SECONDS):
            if not self._server.running():
                self._heal()
            if self.failed:
                self._give_up()
                return

    def _heal(self) -> None:
        now = time.monotonic()
        if len(self._died) == self._died.maxlen and now - self._died[0] < _WITHIN_SECONDS:
            log = self._server.data / "log"
            self.failed = f"PostgreSQL died {len(self._died) + 1} times in 10 minutes: its log is {log}"
            return
        self._died.append(now)
        self._say("PostgreSQL died and is started again")
        try:
            self._server.start()
        except (HexadError, OSError) as error:
            self.failed = f"PostgreSQL died: {getattr(error, 'detail', '') or error}"
        else:
            self._say("PostgreSQL runs again")
