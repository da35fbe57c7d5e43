"""What is known of all settings, and that no secret is shown."""

import msgspec
import pytest

from kernel import settings as module
from kernel.errors import Misconfigured
from kernel.settings import PREFIX, Settings, parse, shown
from tests.kernel.settings import refusal

NAMES = [field.name for field in msgspec.structs.fields(Settings)]


@pytest.mark.parametrize("name", [name for name in NAMES if module.is_secret(name)])
def test_a_secret_is_never_shown(name: str) -> None:
    start = {"broker_url": "amqp://", "bus_url": "redis://", "database_url": "postgresql://", "owner_url": "postgresql://",
             "field_keys": "k1:", "gateway_secrets": "cmcc-1:"}.get(name, "")  # fmt: skip
    end = "" if "://" in start else "A" * 37 + "="
    given = {PREFIX + "VAR": ".", PREFIX + name.upper(): f"{start}canary{end}"}
    made = parse(given)
    assert shown(made)[PREFIX + name.upper()] == "(set)"
    assert "canary" not in str(shown(made))
    assert "canary" not in repr(made)
    given[PREFIX + "API_PORT"] = "x"
    with pytest.raises(Misconfigured) as error:
        parse(given)
    assert "canary" not in str(error.value)


def test_keys_urls_and_tokens_are_secrets() -> None:
    for name in NAMES:
        if name.endswith(("_key", "_keys")) or name in ("database_url", "owner_url", "broker_url"):
            assert module.is_secret(name), name


@pytest.mark.parametrize("wrong", ["mysql://u:canary@h/d", "canary"])
def test_a_wrong_secret_is_not_repeated(wrong: str) -> None:
    said = refusal(database_url=wrong, broker_url=wrong)
    assert "canary" not in said
    assert "HEXAD_DATABASE_URL" in said


def test_what_is_shown_can_be_read(settings: Settings) -> None:
    told = shown(settings)
    assert told["HEXAD_API_PORT"] == "8000"
    assert told["HEXAD_OTLP_ENDPOINT"] == ""
    assert list(told) == [PREFIX + name.upper() for name in NAMES]
