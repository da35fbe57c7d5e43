"""The page of all settings is what the settings say, and has an example of each."""

import msgspec
import pytest

from kernel.settings import Settings, is_secret
from kernel.settings.page import PATH, example, page

NAMES = [field.name for field in msgspec.structs.fields(Settings)]


def test_the_page_is_that_of_the_settings() -> None:
    assert PATH.read_text() == page(), "write it anew: python -m kernel.settings.page"


@pytest.mark.parametrize("name", NAMES)
def test_each_setting_stands_there_once_with_an_example(name: str) -> None:
    lines = [line for line in page().splitlines() if line.startswith(f"| `HEXAD_{name.upper()}` |")]
    assert len(lines) == 1
    assert example(name)
    assert not is_secret(name) or "none, secret" in lines[0]
