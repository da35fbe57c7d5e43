"""What a later contract breaks for clients built on an earlier one: JSON schemas compared, whatever carries them.

Clients take a value that they do not know in an enumeration of ours as "something else", so adding one breaks nothing.
"""

import math
from collections.abc import Iterator
from typing import Any

from mobile_contracts.base import CODE
from mobile_contracts.published import as_published

Document = dict[str, Any]

WIDENED = {as_published(r"^[A-Za-z0-9]+\Z"): as_published(CODE)}
"""Patterns that take more than before, and all of it: what a client sends by the old one fits the new one."""

_SHAPE, _CHOICES = ("type", "format"), ("anyOf", "oneOf")
_BOUNDS = {"maximum": 1, "maxLength": 1, "maxItems": 1, "maxProperties": 1,
           "minimum": -1, "minLength": -1, "minItems": -1}  # fmt: skip
"""1 where a smaller number is narrower, -1 where a greater one is."""


def resolved(of: Document, part: Any) -> Any:
    """A part of a document with every reference in it replaced by what it leads to."""
    if isinstance(part, list):
        return [resolved(of, one) for one in part]
    if not isinstance(part, dict):
        return part
    if isinstance(reference := part.get("$ref"), str):
        found: Any = of
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        return resolved(of, found)
    return {key: resolved(of, value) for key, value in part.items()}


def differences(at: str, old: Document, new: Document, *, sent_by_client: bool) -> Iterator[str]:
    """What breaks at a place, a sentence each: a client may be asked for no more, and be given no less, than before."""
    counts = [[len(one.get(part, ())) for part in _CHOICES] for one in (old, new)]
    if any(old.get(key) != new.get(key) for key in _SHAPE) or counts[0] != counts[1]:
        yield f"{at} changed its type"
    elif _repatterned(old.get("pattern"), new.get("pattern"), sent_by_client=sent_by_client):
        yield f"{at} changed its pattern"
    for part in _CHOICES:
        for before, after in zip(old.get(part, ()), new.get(part, ()), strict=False):
            yield from differences(at, before, after, sent_by_client=sent_by_client)
    for part in ("items", "additionalProperties"):
        if isinstance(old.get(part), dict) and isinstance(new.get(part), dict):
            yield from differences(f"{at}[]", old[part], new[part], sent_by_client=sent_by_client)
    yield from _missing(at, old, new, sent_by_client=sent_by_client)
    if sent_by_client:
        yield from _narrowed(at, old, new)
    for name, schema in old.get("properties", {}).items():
        if name in new.get("properties", {}):
            yield from differences(f"{at}.{name}", schema, new["properties"][name], sent_by_client=sent_by_client)


def _repatterned(old: str | None, new: str | None, *, sent_by_client: bool) -> bool:
    wider = sent_by_client and old is not None and WIDENED.get(old) == new
    return old != new and not wider


def _missing(at: str, old: Document, new: Document, *, sent_by_client: bool) -> Iterator[str]:
    """Fields that are gone, that a client must send now, or that the server may leave out now."""
    for name in old.get("properties", {}).keys() - new.get("properties", {}).keys():
        yield f"{at}.{name} is gone"
    before, after = set(old.get("required", ())), set(new.get("required", ()))
    for name in after - before if sent_by_client else ():
        yield f"{at}.{name} is required now"
    for name in before - after & new.get("properties", {}).keys() if not sent_by_client else ():
        yield f"{at}.{name} may be missing now"


def _narrowed(at: str, old: Document, new: Document) -> Iterator[str]:
    """Values that a client could send and now cannot."""
    if set(old.get("enum", ())) - set(new.get("enum", ())):
        yield f"{at} takes fewer values"
    for bound, sign in _BOUNDS.items():
        if bound in new and sign * new[bound] < sign * old.get(bound, sign * math.inf):
            yield f"{at} has a narrower {bound}"
