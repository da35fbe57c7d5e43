"""What a client prefers (RFC 9110, 12.4 and 12.5): content codings and languages with their qualities."""

import re
from functools import lru_cache
from typing import Literal

_AT_MOST = 500
_REMEMBERED = 256
"""Headers that are kept as they were read: apps and browsers send but a few."""

_CHOICE = re.compile(r"\s*([A-Za-z0-9*.+_-]{1,40})\s*(?:;\s*[qQ]\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?")
_CODINGS = ("br", "gzip")
_ALSO = {"x-gzip": "gzip"}


def coding(accept_encoding: str) -> str:
    """`br` or `gzip`, whichever is preferred, or empty when the client takes neither."""
    given = {_ALSO.get(name, name): quality for name, quality in _choices(accept_encoding)}
    qualities = {name: given.get(name, given.get("*", 0.0)) for name in _CODINGS}
    best = max(qualities, key=lambda name: qualities[name])
    return best if qualities[best] > 0 and qualities[best] >= given.get("identity", 0.0) else ""


def language(accept_language: str) -> Literal["zh", "en"]:
    """`en` or `zh`, whichever is preferred; `zh` when neither is named, `en` when `zh` alone is refused.

    `*` stands for whichever of the two is not named (RFC 4647).
    """
    given: dict[str, float] = {}
    for name, quality in _choices(accept_language):
        primary = name.partition("-")[0]
        given[primary] = max(quality, given.get(primary, 0.0))
    zh, en = (given.get(one, given.get("*")) for one in ("zh", "en"))
    refused = zh == 0.0 and en != 0.0
    return "en" if refused or (en or 0.0) > (zh or 0.0) else "zh"


def _choices(header: str) -> tuple[tuple[str, float], ...]:
    if len(header) > _AT_MOST:
        header = header[:_AT_MOST].rpartition(",")[0]  # without the one that would be cut, its quality perhaps
    return _read(header)


@lru_cache(_REMEMBERED)
def _read(header: str) -> tuple[tuple[str, float], ...]:
    """The choices of a header that is short enough to be kept."""
    matches = map(_CHOICE.fullmatch, header.split(","))
    return tuple((match[1].lower(), float(match[2] or 1)) for match in matches if match)
