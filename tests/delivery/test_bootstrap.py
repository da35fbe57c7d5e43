"""The bootstrap on machines that lack something: one clear sentence with the way out."""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.delivery.clone import Clone

REAL = os.path.realpath(Path(sys.base_prefix) / "bin" / "python3")
WITHOUT_VENV = f"""case "$*" in *"-m venv"*) echo 'ensurepip is not available' >&2; exit 1;; esac
exec {REAL} "$@" """


@pytest.fixture
def clone() -> Iterator[Clone]:
    with tempfile.TemporaryDirectory(prefix="hexad-") as folder:
        yield Clone(Path(folder))


def test_a_python_that_is_too_old_is_named(clone: Clone) -> None:
    clone.fake_python('case "$1" in -V) echo "Python 3.9.2";; *) exit 1;; esac')
    refused = clone.run("./bootstrap", PYTHON="python3")
    assert refused.returncode == 1
    assert refused.stderr == (
        "bootstrap: Python 3.11 or newer is needed, and python3 is Python 3.9.2:"
        " install one, or name it: make run PYTHON=/path/to/python3.11\n"
    )


def test_a_python_that_is_missing_is_named(clone: Clone) -> None:
    refused = clone.run("make", "run", "PYTHON=/nowhere/python3")
    assert refused.returncode != 0
    assert "/nowhere/python3 is missing" in refused.stderr


def test_without_venv_and_pip_it_says_what_to_install(clone: Clone) -> None:
    clone.fake_python(f'case "$*" in "-m "*) exit 1;; esac\nexec {REAL} "$@"')
    refused = clone.run("./bootstrap")
    assert refused.returncode == 1
    assert "has neither venv nor pip" in refused.stderr


@pytest.mark.parametrize("python", ["", WITHOUT_VENV], ids=["venv", "pip"])
def test_without_a_network_it_says_so(clone: Clone, python: str) -> None:
    if python:
        clone.fake_python(python)
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:1/", "PIP_RETRIES": "0", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""}
    refused = clone.run("./bootstrap", **nowhere)
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1].startswith("bootstrap: uv could not be fetched: this needs the network once")
    assert not (clone.folder / ".venv" / ".synced").exists()


def test_a_lock_file_that_does_not_fit_stops_it(clone: Clone) -> None:
    project = clone.folder / "pyproject.toml"
    project.write_text(project.read_text().replace('"click>=', '"click>=1000.'))
    refused = clone.run("./bootstrap")
    assert refused.returncode == 1
    assert "the locked packages could not be installed" in refused.stderr
