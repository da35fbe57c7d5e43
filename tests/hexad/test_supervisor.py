"""The supervisor: stops all when one dies, says which and why, hears a signal at any moment, gives time to drain."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from hexad.supervisor import procfile

SUPERVISE = """
import sys
from hexad.supervisor import Supervisor
drain, *commands = sys.argv[1:]
told = lambda: print("all started", flush=True)
supervisor = Supervisor(dict(one.split("=", 1) for one in commands), {"PATH": "/usr/bin:/bin"}, float(drain), told)
supervisor.loop()
print(supervisor.died(), flush=True)
sys.exit(supervisor.returncode % 256)
"""


@contextlib.contextmanager
def supervised(*commands: str, drain: float = 5, script: str = SUPERVISE) -> Iterator[subprocess.Popen[str]]:
    """A process that supervises these commands."""
    started = subprocess.Popen([sys.executable, "-c", script, str(drain), *commands], stdout=subprocess.PIPE, text=True)
    try:
        yield started
    finally:
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(started.pid).children(recursive=True):
                child.kill()
        started.kill()
        started.communicate()


def lines_until(process: subprocess.Popen[str], text: str) -> str:
    """What it printed up to a line with the text."""
    said = ""
    for line in process.stdout or ():
        said += line
        if text in line:
            return said
    pytest.fail(f"never said {text!r}: {said}")


def test_when_one_ends_the_others_are_stopped_and_it_is_named_with_its_last_words() -> None:
    with supervised("quick=/bin/sh -c 'echo I had enough; exit 3'", "patient=sleep 60") as run:
        said, _ = run.communicate(timeout=120)
    assert "quick ended with exit code 3, so the others were stopped. It said last:\n  I had enough" in said


def test_one_that_was_killed_is_named_with_the_signal() -> None:
    with supervised("killed=/bin/sh -c 'kill -9 $$'", "patient=sleep 60") as run:
        said, _ = run.communicate(timeout=120)
    assert "killed was ended by SIGKILL" in said


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_all_and_nobody_is_blamed(number: signal.Signals, code: int) -> None:
    with supervised("one=sleep 60", "two=sleep 60") as run:
        lines_until(run, "all started")
        run.send_signal(number)
        said, _ = run.communicate(timeout=120)
    assert run.returncode == code
    assert said.endswith("\n\n"), "died() is empty"


def test_a_signal_that_comes_while_it_prints_prints_nothing_in_between() -> None:
    with supervised("one=sleep 60", script=PRINTING + SUPERVISE) as run:
        said, _ = run.communicate(timeout=120)
    assert run.returncode == 143
    assert "SIGTERM received" in said
    assert "printed in the middle" not in said


PRINTING = """
import os, signal
from hexad import supervisor
write, within = supervisor._Memory.write, []
def interrupted(self, message):
    if within:
        os.write(1, b"printed in the middle of a line")
    within.append(message)
    if "one started" in str(message.data):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        os.kill(os.getpid(), signal.SIGTERM)
    write(self, message)
    within.clear()
supervisor._Memory.write = interrupted
"""


def test_a_signal_before_all_have_started_is_not_lost() -> None:
    many = [f"p{number}=sleep 60" for number in range(12)]
    with supervised(*many) as run:
        lines_until(run, "started")
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=120)
    assert run.returncode == 130


def test_one_that_finishes_its_work_in_time_is_not_killed() -> None:
    slow = "/bin/sh -c 'trap \"sleep 2; echo done; exit 0\" TERM; echo ready; while :; do sleep 0.1; done'"
    with supervised("quick=sleep 60", f"slow={slow}", drain=20) as run:
        lines_until(run, "ready")
        run.send_signal(signal.SIGTERM)
        said, _ = run.communicate(timeout=120)
    assert "| done" in said
    assert "SIGKILL" not in said


@pytest.mark.parametrize("others", [["quick=sleep 60"], []], ids=["others stop", "nothing stops"])
def test_one_that_does_not_stop_is_killed_after_its_time(others: list[str]) -> None:
    deaf = "/bin/sh -c 'trap \"\" TERM; echo ready; while :; do sleep 0.1; done'"
    with supervised(*others, f"deaf={deaf}", drain=-4) as run:
        lines_until(run, "ready")
        run.send_signal(signal.SIGTERM)
        said, _ = run.communicate(timeout=120)
    assert "sending SIGKILL to deaf" in said


def test_one_whose_fork_was_killed_has_ended_too() -> None:
    with supervised("orphan=sleep 60", "patient=sleep 60") as run:
        lines_until(run, "all started")
        fork = next(
            one for one in psutil.Process(run.pid).children() if "sleep" in str(one.children()) and one.children()
        )
        orphan = fork.children()[0]
        fork.kill()
        try:
            said, _ = run.communicate(timeout=120)
        finally:
            orphan.kill()
    assert "was ended by SIGKILL, so the others were stopped" in said


def test_every_entry_of_the_procfile_is_a_command_of_ours() -> None:
    for command in procfile().values():
        shown = subprocess.run(f"exec {command} --help", shell=True, capture_output=True, check=False, timeout=120)
        assert b"Usage: " in shown.stdout
        assert shown.returncode == 0
