"""Imports point one way (import-linter), code is clean (ruff) and typed (mypy strict); each tool is shown to bite."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.test_files import PACKAGES, ROOT

BIN = Path(sys.executable).parent


def run(*command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Runs one of the checkers as CI does."""
    return subprocess.run(
        [str(one) for one in command], cwd=cwd, capture_output=True, text=True, timeout=150, check=False
    )


def test_imports_point_the_way_they_should() -> None:
    result = run(BIN / "lint-imports")
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"kernel/door.py": "import api"}, "kernel.door -> api"),
        ({"identity/door.py": "import centers"}, "identity.door -> centers"),
        ({"centers/a/door.py": "import centers.b.door", "centers/b/door.py": ""}, "centers.a.door -> centers.b.door"),
        (
            {"kernel/a/door.py": "import kernel.b.way", "kernel/b/way.py": "import kernel.a.door"},
            "are allowed in kernel",
        ),
    ],
)
def test_an_import_that_points_the_wrong_way_is_found(tmp_path: Path, files: dict[str, str], says: str) -> None:
    for folder in (*PACKAGES, *{str(Path(one).parent) for one in files}):
        (tmp_path / folder).mkdir(exist_ok=True, parents=True)
        (tmp_path / folder / "__init__.py").touch()
    for name, text in files.items():
        (tmp_path / name).write_text(f"{text}\n")
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    result = run(sys.executable, "-m", "importlinter.cli", "lint-imports", cwd=tmp_path)
    result = result if "Contracts" in result.stdout else run(BIN / "lint-imports", cwd=tmp_path)
    assert result.returncode == 1
    assert says in result.stdout


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("def f(tx, name):\n    return tx.fetch(f\"select * from t where name = '{name}'\")\n", "S608"),
        ("try:\n    pass\nexcept Exception:\n    pass\n", "S110"),
        ("import datetime\nnow = datetime.datetime.now()\n", "DTZ005"),
    ],
)
def test_ruff_bites(tmp_path: Path, code: str, rule: str) -> None:
    path = tmp_path / "bad.py"
    path.write_text(code)
    result = run(BIN / "ruff", "check", "--config", ROOT / "pyproject.toml", "--output-format", "concise", path)
    assert result.returncode == 1
    assert rule in result.stdout


def test_mypy_bites(tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text("def double(number) -> int:\n    return number + number\n")
    result = run(BIN / "mypy", "--strict", "--config-file=", "--cache-dir", tmp_path / "cache", path)
    assert result.returncode == 1
    assert "no-untyped-def" in result.stdout
