"""The key file: made once, for its owner alone, never overwritten."""

from pathlib import Path

import pytest

from hexad import keys
from identity.principal import Tokens
from kernel.errors import Misconfigured
from kernel.security.crypto import Fields
from kernel.settings import current
from kernel.settings.keys import gateway_keys
from notifications.gateway.known import gateways


def test_keys_are_made_once_and_never_overwritten(tmp_path: Path) -> None:
    assert keys.make(tmp_path)
    made = keys.file(tmp_path).read_text()
    assert not keys.make(tmp_path)
    assert keys.file(tmp_path).read_text() == made


def test_nobody_else_can_read_them(tmp_path: Path) -> None:
    keys.make(tmp_path / "var")
    assert keys.file(tmp_path / "var").stat().st_mode & 0o777 == 0o600


def test_nothing_but_the_keys_is_left(tmp_path: Path) -> None:
    keys.make(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["keys.env"]


def test_two_folders_have_different_keys(tmp_path: Path) -> None:
    keys.make(tmp_path / "a")
    keys.make(tmp_path / "b")
    first, second = (set(keys.file(tmp_path / one).read_text().split()) for one in "ab")
    assert not {line for line in first & second if "=" in line}


def test_the_settings_find_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys.make(tmp_path)
    monkeypatch.setenv("HEXAD_VAR", str(tmp_path))
    settings = current()
    Tokens(settings)
    Fields(settings)
    (simulator,) = gateway_keys(settings.gateway_secrets)
    assert simulator.name in gateways(settings)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Misconfigured, match=r"HEXAD_VAR is .*file/var, which cannot be written"):
        keys.make(tmp_path / "file" / "var")


def test_an_empty_variable_does_not_mean_the_folder_one_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEXAD_VAR", " ")
    with pytest.raises(Misconfigured, match="HEXAD_VAR is empty"):
        keys.folder()
