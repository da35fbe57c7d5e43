"""Importing `workers.handlers` is enough for every handler of the house to be known."""

import subprocess
import sys


def test_every_handler_is_registered_by_one_import() -> None:
    program = (
        "import workers.handlers; from workers.runtime.registry import find;"
        "print(find('count_probe') and find('keep_house') and 'both')"
    )
    assert (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "both\n"
    )
