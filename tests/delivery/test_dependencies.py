"""The dependency audit: a vulnerability fails it, and a package that was not looked up is never called clean."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.house.test_files import ROOT

PACKAGES = ["good==1", "bad==2"]
CLEAN = {"dependencies": [{"name": "good", "version": "1", "vulns": []}, {"name": "bad", "version": "2", "vulns": []}]}
VULNERABLE = {"dependencies": [CLEAN["dependencies"][0], {"name": "bad", "version": "2", "vulns": [{"id": "CVE-1"}]}]}
SKIPPED = {"dependencies": [CLEAN["dependencies"][0], {"name": "bad", "skip_reason": "not found"}]}


@pytest.fixture
def audit() -> ModuleType:
    """The script, as a module."""
    spec = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("answer", "required", "code", "said"),
    [
        (CLEAN, True, 0, "audited 2 of 2 locked packages, 0 known vulnerabilities"),
        (VULNERABLE, False, 1, "VULNERABLE  bad 2: CVE-1"),
        (SKIPPED, False, 0, "NOT AUDITED 1 of 2 locked packages"),
        (SKIPPED, True, 1, "This is not a clean result"),
        ({}, False, 0, "NOT AUDITED 2 of 2 locked packages"),
        ({}, True, 1, "audited 0 of 2"),
    ],
)
def test_the_verdict(audit: ModuleType, answer: dict[str, Any], required: bool, code: int, said: str) -> None:
    found, text = audit.verdict(PACKAGES, answer, required=required)
    assert found == code
    assert said in text


def test_every_locked_package_but_our_own_is_asked_about(audit: ModuleType, tmp_path: Path) -> None:
    lock = tmp_path / "uv.lock"
    lock.write_text(
        '[[package]]\nname = "a"\nversion = "1"\nsource = { registry = "https://example.invalid/simple" }\n'
        '[[package]]\nname = "hexad"\nversion = "0"\nsource = { editable = "." }\n'
    )
    assert audit.locked(lock) == ["a==1"]
    assert len(audit.locked(ROOT / "uv.lock")) > 100


def test_a_package_locked_in_two_versions_is_asked_about_twice(audit: ModuleType) -> None:
    assert audit.rounds(["a==1", "b==1", "a==2"]) == [["a==1", "b==1"], ["a==2"]]


def test_an_answer_that_does_not_come_is_none_and_why_is_said(
    audit: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "_SECONDS", 0.01)
    assert audit.look_up(["click==8"]) == {}
    assert "timed out after 0.01 seconds" in capfd.readouterr().err
