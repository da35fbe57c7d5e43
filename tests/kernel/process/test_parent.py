"""Whoever ends with its parent does not outlive it, however the parent ends."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

_CHILD = (
    "from kernel.process.parent import end_with_parent\nend_with_parent()\n"
    "print(flush=True)\nimport time\ntime.sleep(60)"
)
_WITHOUT_KERNEL = f"import sys\nsys.platform = 'other'\n{_CHILD}"
_PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(60)
"""


def lives(process: psutil.Process) -> bool:
    """Whether it runs; one that ended and that nobody has asked about does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("child", [_CHILD, _WITHOUT_KERNEL], ids=["kernel", "anywhere"])
def test_it_is_gone_soon_after_a_kill(child: str) -> None:
    with subprocess.Popen([sys.executable, "-c", _PARENT, child], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        left = psutil.Process(int(parent.stdout.readline()))
        time.sleep(0.6)
        assert left.is_running()
        os.kill(parent.pid, signal.SIGKILL)
        until = time.monotonic() + 60
        while lives(left):
            assert time.monotonic() < until
            time.sleep(0.02)
