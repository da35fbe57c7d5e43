"""Addresses whose numbers hold a slash: `/customers/A%2F1` names the customer `A/1`."""

from typing import Any
from urllib.parse import unquote_to_bytes

_SLASH = "\0"
"""Stands for a slash inside a segment while the route is found: no address holds NUL, which the gate refuses."""


def keep_inner_slashes(scope: Any) -> None:
    """Routes by the segments as they were sent: servers decode `%2F` before they are told apart."""
    sent = scope.get("raw_path", b"").partition(b"?")[0]
    if b"%2f" in sent.lower():
        segments = (unquote_to_bytes(segment).decode(errors="replace") for segment in sent.split(b"/"))
        scope["path"] = "/".join(segment.replace("/", _SLASH) for segment in segments)


def with_slashes(values: dict[str, Any]) -> dict[str, Any]:
    """Parameters of the path as they were meant."""
    if any(isinstance(value, str) and _SLASH in value for value in values.values()):
        return {name: value.replace(_SLASH, "/") if isinstance(value, str) else value for name, value in values.items()}
    return values
