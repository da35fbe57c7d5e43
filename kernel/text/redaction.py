"""Takes personal data and secrets out of whatever is about to leave the house: log lines, traces, errors kept.

A Chinese mobile number (手机号), an identity number (身份证号), an e-mail address, a token or a password goes; ids,
times and UUIDs stay as they are.
"""

import re
from collections.abc import Mapping, Set
from typing import Any

import msgspec

LONGEST = 32_768
"""Characters that are kept of one string."""

_DEEPEST = 8
_MANY = 200
_NAMES = (
    r"(?:password|passwd|tokens?|secrets?|authorization|cookie|id_no|mobiles?|phone|e?mail|(?<![a-z])(?:otp|pwd)"
    r"|(?:field|index|token|api|private)[_-]?keys?)"
)
_GAP = r"[ \-\u00a0\u2009\u3000]{0,2}"
_DAY = rf"(?:0{_GAP}[1-9]|1{_GAP}[0-2]){_GAP}(?:0{_GAP}[1-9]|[12]{_GAP}\d|3{_GAP}[01])"

_SECRET_KEY = re.compile(rf"{_NAMES}(?:[_-](?:new|old|\d+))?\s*\Z", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(?<=://)([^\s/:@]{0,200}):[^\s/]{1,500}@")
_EMAIL = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_BEARER = re.compile(r"\beyJ[\w-]{4,}\.[\w-]+(?:\.[\w-]*)?|\b(?i:bearer|basic)\s+(?=[\w.~+/=-]{0,99}\d)[\w.~+/=-]{8,}")
_PAIR = re.compile(
    rf"({_NAMES}\\?[\"')]?\s{{0,9}}[=:]\s{{0,9}})"
    r"(?:b?\\?\"[^\"]*\"?|b?\\?'[^']*'?|\([^)]*\)?|(?:bearer |basic )?[^\s,;&)}\]]+)",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d(?:[ \-()\u00a0\u2009\u3000]{0,2}\d){10}")
_NUMBER = re.compile(
    r"(?P<keep>\b(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{64}|[0-9a-f]{32})\b)"
    rf"|(?P<id>(?<!\d)[1-9]{_GAP}(?:\d{_GAP}){{5}}(?:(?:1{_GAP}9|2{_GAP}0){_GAP}\d{_GAP}\d{_GAP}{_DAY}{_GAP}"
    rf"(?:\d{_GAP}){{3}}[\dXx]|\d{_GAP}\d{_GAP}{_DAY}(?:{_GAP}\d){{3}})(?!\d))"
    rf"|(?P<mobile>(?<!\d)(?:(?:\+|00)?86{_GAP}|0)?\(?1{_GAP}[3-9]{_GAP}\d\)?(?:{_GAP}\d){{8}}(?!\d))"
)
_WIDE = {ord(wide): plain for wide, plain in zip("０１２３４５６７８９＋＠", "0123456789+@", strict=True)}


def text(given: str) -> str:
    """The text with personal data and secrets replaced by what they were, such as `[mobile]`."""
    if not given.isascii():
        given = given.translate(_WIDE)
    given = _BEARER.sub("[token]", given)
    if "=" in given or ":" in given:
        given = _PAIR.sub(r"\1[hidden]", given)
    if "@" in given:
        given = _EMAIL.sub("[email]", _URL_PASSWORD.sub(r"\1:[hidden]@", given))
    if _DIGITS.search(given):
        given = _NUMBER.sub(lambda found: found[0] if found.lastgroup == "keep" else f"[{found.lastgroup}]", given)
    return given[:LONGEST]


def cleaned(value: Any, depth: int = 0) -> Any:
    """The value as plain JSON types, cleaned at every depth; a key named like a secret hides all that is under it."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return text(value)
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, Mapping | msgspec.Struct | list | tuple | Set) and depth < _DEEPEST:
        return _nested(value, depth + 1)
    return text(_printed(value))


def _nested(value: Any, depth: int) -> Any:
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.asdict(value)
    if not isinstance(value, Mapping):
        return [cleaned(one, depth) for one, _ in zip(value, range(_MANY), strict=False)]
    named = ((text(_printed(key)), one) for key, one in value.items())
    return {key: "[hidden]" if _SECRET_KEY.search(key) else cleaned(one, depth) for key, one in named}


def _number(value: int | float) -> Any:
    """A number as it is, unless its digits are somebody's; a fraction is no number of a person."""
    if isinstance(value, float):
        if not value.is_integer():
            return value if value - value == 0 else repr(value)
        return "[number]" if text(f"{value:.0f}") != f"{value:.0f}" else value
    printed = _printed(value)
    if text(printed) != printed:
        return "[number]"
    return value if -(2**63) <= value < 2**64 else printed


def _printed(value: Any) -> str:
    """As text; whatever fails to print itself, or is too long to, must not cost us the line."""
    try:
        return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    except Exception as error:  # noqa: BLE001  # foreign __str__
        return f"<{type(value).__name__} that does not print: {type(error).__name__}>"
