"""Files stay short, names mean something, and every module has its test file."""

import ast
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES: tuple[str, ...] = tuple(
    tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
)
"""What is installed; every list of packages in the house is this one, or part of it."""

LINES_AT_MOST = 400
DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}


def tracked(*suffixes: str) -> list[Path]:
    """The project's files with these endings, as git knows them, those not yet added included."""
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    return [ROOT / name for name in listed if name.endswith(suffixes) and (ROOT / name).is_file()]


def too_long(paths: list[Path]) -> list[str]:
    """Files over the limit, with their length."""
    lengths = {path: len(path.read_text().splitlines()) for path in paths}
    return [f"{path.name}: {count} lines" for path, count in lengths.items() if count > LINES_AT_MOST]


def drawers(paths: list[Path]) -> list[str]:
    """Files and folders whose name says nothing."""
    return [str(path) for path in paths if DRAWERS & {*path.with_suffix("").parts, *path.stem.split("_")[-1:]}]


def has_behaviour(source: str) -> bool:
    """Whether a module holds a function; one of constants and Structs alone is tested through those who use it."""
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in ast.walk(ast.parse(source)))


def untested(root: Path, packages: tuple[str, ...]) -> list[str]:
    """Modules with behaviour for which there is no `tests/<package>/test_<module>*.py`."""
    missing = []
    for package in packages:
        for module in sorted((root / package).rglob("*.py")):
            folder = root / "tests" / module.parent.relative_to(root)
            stem = module.parent.name if module.stem == "__init__" else module.stem
            places = [*folder.glob(f"test_{stem}*.py"), *folder.parent.glob(f"test_{module.parent.name}_{stem}*.py")]
            if has_behaviour(module.read_text()) and not places:
                missing.append(str(module.relative_to(root)))
    return missing


def strays(root: Path, packages: tuple[str, ...]) -> list[str]:
    """Test files in a mirrored folder that begin with the name of no module there."""
    found = []
    for package in packages:
        for test in sorted((root / "tests" / package).rglob("test_*.py")):
            folder = root / test.parent.relative_to(root / "tests")
            stems = {path.stem for path in folder.glob("*.py")} | {path.name for path in folder.iterdir()}
            stems |= {f"{path.parent.name}_{path.stem}" for path in folder.glob("*/*.py")} | {folder.name}
            name = test.stem.removeprefix("test_")
            if not any(name == stem or name.startswith(f"{stem}_") for stem in stems):
                found.append(str(test.relative_to(root)))
    return found


def test_no_file_is_longer_than_400_lines() -> None:
    assert too_long(tracked(".py", ".sql")) == []


def test_no_file_is_a_drawer() -> None:
    assert drawers([path.relative_to(ROOT) for path in tracked(".py", ".sql")]) == []


def test_every_module_has_its_test_file() -> None:
    assert untested(ROOT, PACKAGES) == []


def test_every_test_file_has_its_module() -> None:
    assert strays(ROOT, PACKAGES) == []


def test_a_long_file_a_drawer_and_a_missing_or_stray_test_are_found(tmp_path: Path) -> None:
    (tmp_path / "kernel").mkdir()
    (tmp_path / "tests" / "kernel").mkdir(parents=True)
    (tmp_path / "kernel" / "sealed.py").write_text("def seal(): ...\n" + "x = 1\n" * 400)
    (tmp_path / "tests" / "kernel" / "test_other.py").write_text("")
    assert too_long([tmp_path / "kernel" / "sealed.py"]) == ["sealed.py: 401 lines"]
    assert untested(tmp_path, ("kernel",)) == ["kernel/sealed.py"]
    assert strays(tmp_path, ("kernel",)) == ["tests/kernel/test_other.py"]


@pytest.mark.parametrize("name", ["kernel/utils.py", "api/common/page.py", "kernel/string_helpers.py"])
def test_a_drawer_is_known_by_its_name(name: str) -> None:
    assert drawers([Path(name)]) == [name]
