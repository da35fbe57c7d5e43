"""Schemas as they are published: for whoever reads them with another language than Python."""

from typing import Any


def published(node: Any) -> Any:
    r"""The document with patterns as JSON Schema wants them (ECMA-262): `\Z` becomes `$`, the very end there."""
    if isinstance(node, dict):
        return {
            key: as_published(value) if key == "pattern" and isinstance(value, str) else published(value)
            for key, value in node.items()
        }
    return [published(one) for one in node] if isinstance(node, list) else node


def as_published(pattern: str) -> str:
    """One pattern, likewise."""
    return pattern.replace(r"\Z", "$")
