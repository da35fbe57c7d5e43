"""The process beside the worker runs as long as the worker does, and again when it ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kernel.settings import Settings
from tests.conftest import child_environment
from workers.runtime.side import Side


def until(condition: Callable[[], bool]) -> None:
    """Waits for it, and no longer than a slow machine needs."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def script(path: Path, ending: str) -> list[str]:
    """A command that writes down its process and the settings it was given, then does as said."""
    words = f"import os, signal, time; open({str(path)!r}, 'a').write(f'{{os.getpid()}}\\n'); {ending}"
    return [sys.executable, "-c", words]


def pids(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_it_is_started_again_and_stopped_with_the_worker(settings: Settings, tmp_path: Path) -> None:
    told = tmp_path / "pids"
    side = Side(settings, script(told, "time.sleep(600)"))
    assert side.problem == "the process of errands does not run"
    side.start()
    until(lambda: len(pids(told)) == 1 and side.problem is None)
    os.kill(pids(told)[0], signal.SIGKILL)
    until(lambda: len(pids(told)) == 2 and side.problem is None)
    side.stop(30)
    assert side.problem == "the process of errands does not run"


def test_what_it_says_is_wrong_is_shown_until_it_says_otherwise(settings: Settings, tmp_path: Path) -> None:
    told, mended = tmp_path / "pids", tmp_path / "mended"
    words = (
        "import sys; from workers.runtime.side import Board\n"
        "board = Board(int(sys.argv[1])); board.write('a job: KeyError')\n"
        f"while not os.path.exists({str(mended)!r}): time.sleep(0.02)\n"
        "board.write(None); time.sleep(600)"
    )
    side = Side(settings, script(told, words))
    side.start()
    until(lambda: side.problem == "a job: KeyError")
    mended.touch()
    until(lambda: side.problem is None)
    side.stop(30)


def test_one_that_could_not_be_started_is_started_when_it_can_be(settings: Settings, tmp_path: Path) -> None:
    told = tmp_path / "pids"
    missing = tmp_path / "python"
    side = Side(settings, [str(missing), *script(told, "time.sleep(600)")[1:]])
    side.start()
    until(lambda: "FileNotFoundError" in str(side.problem))
    missing.symlink_to(sys.executable)
    until(lambda: len(pids(told)) == 1 and side.problem is None)
    side.stop(30)


def test_a_child_of_the_worker_made_in_that_moment_does_not_hold_it_up(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Celery forks its children beside: whatever pipe is open then stays open in them for as long as they live."""
    told, children, pipe = tmp_path / "pids", list[int](), os.pipe

    def with_a_fork() -> tuple[int, int]:
        ends = pipe()
        if (child := os.fork()) == 0:
            time.sleep(600)
            os._exit(0)
        children.append(child)
        return ends

    monkeypatch.setattr(os, "pipe", with_a_fork)
    side = Side(settings, script(told, "time.sleep(600)"))
    try:
        side.start()
        until(lambda: len(pids(told)) == 1 and side.problem is None)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        side.stop(30)


def test_one_that_does_not_end_in_time_is_ended(settings: Settings, tmp_path: Path) -> None:
    told = tmp_path / "pids"
    side = Side(settings, script(told, "signal.signal(15, signal.SIG_IGN); open('/dev/null'); time.sleep(600)"))
    side.start()
    until(lambda: len(pids(told)) == 1)
    side.stop(0.5)
    until(lambda: side.problem is not None)


def test_it_is_given_the_settings_of_the_worker(settings: Settings, tmp_path: Path) -> None:
    told = tmp_path / "url"
    words = f"import os; open({str(told)!r}, 'w').write(os.environ['HEXAD_DATABASE_URL'] + '\\n')"
    side = Side(settings, [sys.executable, "-c", words])
    side.start()
    until(lambda: told.exists() and told.read_text().endswith("\n"))
    side.stop(30)
    assert told.read_text().strip() == settings.database_url


def test_one_whose_worker_died_while_it_started_ends(own_settings: Settings) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as worker:
        worker.wait()
    command = [sys.executable, "-P", "-m", "workers.errand", str(worker.pid)]
    with subprocess.Popen(command, env=child_environment(own_settings)) as orphan:
        assert orphan.wait(60) == -signal.SIGKILL
