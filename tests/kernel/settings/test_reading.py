"""A wrong setting names its variable; the environment goes before the generated keys."""

import os
from pathlib import Path
from typing import get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as bounded
from hypothesis import strategies as st

from kernel import settings as module
from kernel.errors import Misconfigured
from kernel.settings import PREFIX, Settings, environment, parse
from tests.kernel.settings import refusal

NAMES = [field.name for field in msgspec.structs.fields(Settings)]
NUMBERS = [name for name, kind in get_type_hints(Settings).items() if kind in (int, float)]


def test_without_variables_the_defaults_hold() -> None:
    assert parse({"PATH": "/bin"}) == Settings()


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("wrong", ["", "x", "nan", "inf", "-1e9", "1e400", "0x10", "1,5", "12 34"])
def test_every_wrong_number_names_its_variable(name: str, wrong: str) -> None:
    said = refusal(**{name: wrong})
    assert PREFIX + name.upper() in said
    assert (module.meta(name).description or "") in said


def test_all_faults_are_said_at_once() -> None:
    said = refusal(api_port="x", pool_size="y", unknown="z")
    for name in ("API_PORT", "POOL_SIZE", "UNKNOWN"):
        assert PREFIX + name in said


@given(st.dictionaries(st.sampled_from(NAMES), st.text(st.characters(exclude_characters="\0"), max_size=20)))
@bounded(max_examples=200)
def test_whatever_is_given_is_settings_or_misconfigured(given: dict[str, str]) -> None:
    try:
        made = parse({PREFIX + name.upper(): value for name, value in given.items()})
    except Misconfigured:
        return
    assert parse(environment(made)) == made


@pytest.fixture
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment that names only the folder, which is given."""
    for name in os.environ:
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HEXAD_VAR", str(tmp_path))
    return tmp_path


def test_the_environment_goes_before_the_generated_keys(surroundings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b, c = ("A" * 42 + letter + "=" for letter in "AEI")
    (surroundings / "keys.env").write_text(f"# made by hexad up\n\nHEXAD_TOKEN_KEY={a}\nHEXAD_INDEX_KEY={b}\n")
    monkeypatch.setenv("HEXAD_INDEX_KEY", c)
    assert (module.current().token_key, module.current().index_key) == (a, c)


def test_a_key_file_that_cannot_be_read_is_named(surroundings: Path) -> None:
    (surroundings / "keys.env").mkdir()
    with pytest.raises(Misconfigured, match=r"keys\.env cannot be read .*HEXAD_VAR"):
        module.current()


def test_a_key_file_that_is_no_text_is_named(surroundings: Path) -> None:
    (surroundings / "keys.env").write_bytes(b"HEXAD_TOKEN_KEY=\xff\xfe\n")
    with pytest.raises(Misconfigured, match=r"keys\.env is not UTF-8"):
        module.current()


def test_an_empty_folder_is_not_the_one_that_one_stands_in(surroundings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEXAD_VAR", "")
    with pytest.raises(Misconfigured, match="HEXAD_VAR is empty"):
        module.current()


def test_without_generated_keys_the_environment_is_all(surroundings: Path) -> None:
    assert module.current().token_key == ""
