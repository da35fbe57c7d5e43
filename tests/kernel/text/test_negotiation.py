"""What a client prefers is what is chosen, and never what it refuses."""

import pytest

from kernel.text.negotiation import coding, language


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        ("", ""), ("br", "br"), ("gzip", "gzip"), ("gzip, br", "br"), ("br;q=0", ""), ("gzip;q=0", ""),
        ("br;q=0, gzip", "gzip"), ("gzip;q=0.5, br;q=0.4", "gzip"), ("*", "br"), ("*;q=0", ""), ("br;q=0, *", "gzip"),
        ("identity", ""), ("identity;q=0.5, gzip;q=0.1", ""), ("identity;q=0, gzip;q=0.1", "gzip"), ("x-gzip", "gzip"),
        ("BR;Q=1.0", "br"), ("br;q=0.000", ""), ("brotli", ""), ("br;q=2", ""), ("deflate, gzip ; q = 0.3", "gzip"),
        ("br," * 9999, "br"), ("x," * 248 + "gzip;q=0", ""),
    ],
)  # fmt: skip
def test_the_coding_is_the_one_preferred(header: str, chosen: str) -> None:
    assert coding(header) == chosen


@pytest.mark.parametrize(
    ("header", "preferred"),
    [
        ("", "zh"), ("zh-CN", "zh"), ("en", "en"), ("EN-us;q=0.3, fr", "en"), ("en;q=0.4, zh;q=0.5", "zh"),
        ("*", "zh"), ("zh;q=0", "en"), ("zh;q=0, en;q=0", "zh"), ("zh;q=0, *", "en"),
        ("fr, zh-TW;q=0, zh;q=0.1", "zh"), ("en;q=x", "zh"), ("en," * 5000, "en"), ("\x00\xff", "zh"),
        ("en;q=0.5, *;q=0.8", "zh"), ("zh;q=0.5, *", "en"), ("*;q=0", "zh"), ("*;q=0, en;q=0.1", "en"),
    ],
)  # fmt: skip
def test_the_language_is_the_one_preferred(header: str, preferred: str) -> None:
    assert language(header) == preferred
