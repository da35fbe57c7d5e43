"""The text of `hexad up`: only what is there, for the audiences that are served."""

import msgspec

from hexad.welcome import welcome
from kernel.settings import Settings

HEALTH = {"api": "api_port", "smtp": "mailbox_port"}


def test_it_says_where_things_are_and_how_long_tokens_live(own_settings: Settings) -> None:
    text = welcome(msgspec.structs.replace(own_settings, token_seconds=300), HEALTH, 4.21)
    assert "Hexad is ready after 4.2 s" in text
    assert "http://127.0.0.1:8000/docs/gateway" in text
    assert text.index("http://127.0.0.1:8000/docs/auth") < text.index("/docs/staff"), "where a newcomer begins"
    assert "ws://127.0.0.1:8001/ws" in text
    assert "good for 5 minutes" in text
    assert text.count("curl -H") == 2


def test_an_audience_that_is_not_served_is_not_offered(own_settings: Settings) -> None:
    text = welcome(msgspec.structs.replace(own_settings, audiences="investor"), HEALTH, 1)
    assert "/docs/staff" not in text
    assert "10086" not in text


def test_a_simulator_that_is_left_out_is_not_offered(own_settings: Settings) -> None:
    assert "mailbox" in welcome(own_settings, HEALTH, 1)
    assert "mailbox" not in welcome(own_settings, {"api": "api_port"}, 1)
