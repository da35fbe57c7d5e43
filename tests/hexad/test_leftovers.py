"""A killed run's processes are known by what only they have, and nobody else's is ever touched."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from hexad import leftovers
from hexad.leftovers import MARK, Run
from kernel.errors import Misconfigured, Unavailable

SLEEP = [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"]


@pytest.fixture
def sleepers() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that the test starts, gone afterwards."""
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for one in started:
        one.kill()
        one.communicate()


def sleeper(sleepers: list[subprocess.Popen[bytes]], mark: str = "", command: Sequence[str] = SLEEP) -> psutil.Process:
    """A process that has started for good."""
    child = subprocess.Popen(command, env={**os.environ, MARK: mark}, stdout=subprocess.PIPE)
    sleepers.append(child)
    assert child.stdout
    child.stdout.readline()
    return psutil.Process(child.pid)


def test_only_processes_with_the_mark_of_the_run_are_ended(sleepers: list[subprocess.Popen[bytes]]) -> None:
    run = Run()
    ours, strangers = sleeper(sleepers, run.mark), [sleeper(sleepers), sleeper(sleepers, "other")]
    assert run.alive() == [ours]
    assert run.end(patience=10) == 1
    assert [one.is_running() for one in strangers] == [True, True]
    assert run.alive() == []


def test_a_process_that_does_not_listen_is_ended_by_force(sleepers: list[subprocess.Popen[bytes]]) -> None:
    run, deaf = Run(), "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    sleeper(sleepers, run.mark, [sys.executable, "-c", deaf])
    assert run.end(patience=0.5) == 1
    assert run.alive() == []


def test_a_fork_is_known_by_its_number_and_its_start(sleepers: list[subprocess.Popen[bytes]]) -> None:
    fork = sleeper(sleepers)
    assert Run(processes=[(fork.pid, fork.create_time())]).alive() == [fork]


def test_a_number_that_is_somebody_elses_by_now_is_left_alone(sleepers: list[subprocess.Popen[bytes]]) -> None:
    reused = sleeper(sleepers)
    assert Run(processes=[(reused.pid, reused.create_time() - 3600)]).end(patience=1) == 0
    assert reused.is_running()


def test_what_is_written_down_is_found_again_until_it_is_forgotten(tmp_path: Path) -> None:
    run = Run(processes=[(1, 2.0)])
    run.write(tmp_path)
    assert leftovers.last_run(tmp_path) == run
    leftovers.forget(tmp_path)
    assert leftovers.last_run(tmp_path) is None


def test_a_file_that_was_cut_short_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "up.json").write_bytes(b'{"mark": "ab')
    assert leftovers.last_run(tmp_path) is None


def test_the_folder_is_held_against_others_and_free_after_a_kill(
    tmp_path: Path, sleepers: list[subprocess.Popen[bytes]]
) -> None:
    holding = (
        "import pathlib, sys, time; from hexad.leftovers import alone\n"
        "with alone(pathlib.Path(sys.argv[1])): print(flush=True); time.sleep(60)"
    )
    holder = sleeper(sleepers, command=[sys.executable, "-c", holding, str(tmp_path)])
    with pytest.raises(Unavailable, match=rf"another `hexad up` \(process {holder.pid}\)"), leftovers.alone(tmp_path):
        pass
    holder.kill()
    holder.wait()
    with leftovers.alone(tmp_path):
        pass


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot be written"), leftovers.alone(tmp_path / "nowhere"):
        pass


def test_a_folder_that_nobody_holds_is_free(tmp_path: Path) -> None:
    assert not leftovers.held(tmp_path)
    with leftovers.alone(tmp_path):
        pass
    assert not leftovers.held(tmp_path)
