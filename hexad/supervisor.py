"""honcho's manager with what a run of `hexad up` needs beyond it: no signal lost, time to drain, and who died first."""

import multiprocessing
import shlex
import signal
import sys
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

import honcho.manager
from honcho.environ import parse_procfile
from honcho.printer import Message, Printer
from honcho.process import Popen, Process

from kernel.errors import Unavailable

_STOP_SIGNALS = {signal.SIGINT, signal.SIGTERM}
_LAST_LINES = 5


class Supervisor(honcho.manager.Manager):
    """Runs commands by name until one ends or a signal comes, then stops the others.

    Ctrl-C and SIGTERM are held back until every process has started: honcho does not know earlier whom to stop.
    `started` is called at that moment.
    """

    def __init__(
        self, commands: Mapping[str, str], environment: Mapping[str, str], drain: float, started: Callable[[], None]
    ) -> None:
        """`drain` is how long, in seconds, a command may take to stop before it is killed."""
        multiprocessing.set_start_method("fork", force=True)  # else the wrappers would not inherit the signal mask
        honcho.manager.KILL_WAIT = drain + 5  # what honcho gives before it kills
        self._memory = _Memory(sys.stdout)
        super().__init__(self._memory)
        self._process_ctor = _Wrapper
        self._culprit: str | None = None
        self._asked: signal.Signals | None = None
        self._when_started: Callable[[], None] | None = started
        for name, command in commands.items():
            self.add_process(name, f"exec {command}", env=dict(environment))

    def died(self) -> str:
        """Which process ended by itself and what it said last, empty when none did."""
        if self._culprit is None:
            return ""
        code = self._processes[self._culprit]["returncode"]
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        last = "".join(f"\n  {line}" for line in self._memory.last[self._culprit])
        return f"{self._culprit} {how}, so the others were stopped. It said last:{last or ' nothing'}"

    def terminate(self) -> None:
        """Asks every process to stop, once; one that has ended before was not asked to."""
        if not self._terminating and self.returncode not in {130, 143}:
            self._culprit = next(
                (name for name, one in self._processes.items() if one.get("returncode") is not None), None
            )
        super().terminate()

    def _start(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
        for number in _STOP_SIGNALS:  # honcho's own handler prints, and may come in the middle of a line being printed
            signal.signal(number, self._note)
        super()._start()

    def _note(self, number: int, frame: object) -> None:
        self._asked = signal.Signals(number)

    def _heed(self) -> None:
        """Does what a signal asked for, in the turn of the loop after it."""
        if self._asked is not None and not self._terminating:
            self._system_print(f"{self._asked.name} received\n")
            self.returncode = 128 + self._asked
            self.terminate()

    def _all_started(self) -> bool:
        self._check_wrappers()
        self._heed()
        everything = bool(super()._all_started())
        if everything and self._when_started:
            self._when_started()
            self._when_started = None
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)
        return everything

    def _any_stopped(self) -> bool:
        """Where honcho begins to count the time until it kills: at the signal, should nothing stop at all."""
        return self._terminating or bool(super()._any_stopped())

    def _check_wrappers(self) -> None:
        """A command whose fork was killed has ended; raises `Unavailable` when the fork could not even start it."""
        for name, one in self._processes.items():
            if "returncode" in one or one["process"].is_alive() or not self.events.empty():
                continue
            if one.get("pid") is None:
                raise Unavailable(f"{name} could not be started: the machine may be out of memory or processes")
            one["returncode"] = one["process"].exitcode


class _Wrapper(Process):
    """The fork that reads one process's output: signals stay blocked in it, the process itself hears them."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._child_ctor = _hearing


def _hearing(command: str, **options: Any) -> Any:
    return Popen(command, preexec_fn=_hear, **options)


def _hear() -> None:
    for number in _STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)  # one that is pending must not run the supervisor's handler here
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)


class _Memory(Printer):
    """Prints, and remembers the last lines of each process."""

    def __init__(self, output: TextIO) -> None:
        super().__init__(output)
        self.last: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=_LAST_LINES))

    def write(self, message: Message) -> None:
        data = message.data.decode("utf-8", "replace") if isinstance(message.data, bytes) else message.data
        self.last[message.name].extend(data.splitlines())
        super().write(message)


def procfile() -> dict[str, str]:
    """The commands of hexad/Procfile by name; `hexad` is the one that runs now, wherever it is installed."""
    ours = shlex.join([sys.executable, "-P", "-m", "hexad.main"])
    return {name: command.replace("hexad", ours, 1) for name, command in commands().items()}


def commands() -> dict[str, str]:
    """The same as a person types them."""
    return dict(parse_procfile(Path(__file__).with_name("Procfile").read_text()).processes)
