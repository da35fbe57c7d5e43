"""Refusals of settings."""

import pytest

from kernel.errors import Misconfigured
from kernel.settings import PREFIX, parse


def refusal(**given: str) -> str:
    """What is said when these settings are refused."""
    with pytest.raises(Misconfigured) as error:
        parse({PREFIX + name.upper(): value for name, value in given.items()})
    return str(error.value)
