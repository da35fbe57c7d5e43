"""Every setting says what it is for."""

import msgspec
import pytest

from kernel import settings as module
from kernel.settings import Settings

NAMES = [field.name for field in msgspec.structs.fields(Settings)]


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_has_a_meaning(name: str) -> None:
    assert len(module.meta(name).description or "") > 10
