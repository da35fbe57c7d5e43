"""Segments are counted as carriers bill them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from kernel.settings import Settings
from mobile_contracts.messaging.template import Language
from notifications.channel.sms import opt_out, segments, signed


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1), ("a" * 160, 1), ("a" * 161, 2), ("a" * 306, 2), ("a" * 307, 3), ("€" * 80, 1), ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 151, 2), ("a" * 152 + "€" + "a" * 152, 3),
        ("中" * 70, 1), ("中" * 71, 2), ("中" * 134, 2), ("中" * 135, 3), ("a" * 70 + "中", 2),
        ("😀" * 35, 1), ("😀" * 36, 2), ("😀" * 66, 2), ("😀" * 67, 3),
    ],
)  # fmt: skip
def test_segments(text: str, count: int) -> None:
    assert segments(text) == count


@settings(deadline=None)
@given(st.text(max_size=500), st.text(max_size=5))
def test_more_text_never_costs_less(text: str, more: str) -> None:
    assert 1 <= segments(text) <= segments(text + more)


def test_a_signature_stands_first_in_the_letters_of_the_text() -> None:
    firm = Settings(sms_signature="海星证券")
    assert signed(firm, "您好", "zh") == "【海星证券】您好"
    assert signed(firm, "hello", "en") == "【海星证券】hello", "there is no other name"
    both = structs.replace(firm, sms_signature_latin="Haixing")
    assert (signed(both, "您好", "zh"), signed(both, "hello", "en")) == ("【海星证券】您好", "[Haixing] hello")
    assert signed(Settings(), "hello", "en") == "[Hexad] hello", "a name of Latin letters serves both"
    long = signed(both, "x" * 140, "en")
    assert segments(long) == 1


@pytest.mark.parametrize(
    ("text", "language", "whole"),
    [
        ("欢迎参加", "zh", "欢迎参加。拒收请回复T"), ("欢迎参加!", "zh", "欢迎参加!拒收请回复T"),
        ("。", "zh", "。拒收请回复T"), ("(周六)", "zh", "(周六)。拒收请回复T"), ("", "zh", "。拒收请回复T"),
        ("Join us", "en", "Join us. Reply T to opt out"),
        ("Join us! ", "en", "Join us!  Reply T to opt out"), ("", "en", ". Reply T to opt out"),
    ],
)  # fmt: skip
def test_the_way_out_stands_apart_from_the_text(text: str, language: Language, whole: str) -> None:
    assert text + opt_out(text, language) == whole
