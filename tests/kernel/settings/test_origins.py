"""Origins are told apart by scheme, host and port, and a developer's own are good on every port."""

import pytest

from kernel.errors import Misconfigured
from kernel.settings import parse, words
from kernel.settings.origins import LOCAL, Origins


@pytest.mark.parametrize("origin", ["app.example.com", "https://", "https://a.example.com/path", "http://:*", "*"])
def test_a_setting_that_is_no_origin_is_named(origin: str) -> None:
    with pytest.raises(Misconfigured, match="HEXAD_ORIGINS"):
        Origins([origin])
    with pytest.raises(Misconfigured, match="HEXAD_ORIGINS"):
        parse({"HEXAD_ORIGINS": f"https://app.example.com, {origin}"})


@pytest.mark.parametrize(
    ("origin", "may"),
    [
        ("http://localhost", True), ("http://localhost:5173", True), ("http://127.0.0.1:3000", True),
        ("http://[::1]:8080", True), ("https://localhost:5173", False), ("http://localhost.evil.test", False),
        ("http://localhost:5173/", False), ("http://192.168.1.5:5173", False), ("null", False), ("", False),
    ],
)  # fmt: skip
def test_a_developers_own_pages_come_in_on_any_port(origin: str, *, may: bool) -> None:
    assert Origins(words(LOCAL)).allow(origin) is may
    assert not Origins([]).allow(origin)
