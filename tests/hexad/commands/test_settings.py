"""The settings of a command know the embedded database, and make keys when they are asked to."""

from pathlib import Path

import pytest

from hexad.commands.settings import given
from hexad.embedded import Postgres
from kernel.errors import Unavailable


def test_the_embedded_database_is_in_them_unless_unwanted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HEXAD_DATABASE_URL", "HEXAD_OWNER_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HEXAD_VAR", str(tmp_path))
    with pytest.raises(Unavailable, match=f"no PostgreSQL runs in {tmp_path}: start it with `hexad up`"):
        given()
    monkeypatch.setattr(Postgres, "running", lambda _: True)
    assert given().database_url == Postgres(tmp_path / "postgres").url("hexad_app", "hexad")
    assert given(embedded=False).embedded
    assert not (tmp_path / "keys.env").exists()
    assert given(makes_keys=True).var == tmp_path
    assert (tmp_path / "keys.env").is_file()
