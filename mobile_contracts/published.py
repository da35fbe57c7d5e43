"""Schemas as they are published: for whoever reads them with another language than Python."""

import re
from typing import Any

_ABOVE = re.compile(r"\\U[0-9a-f]{8}-\\U[0-9a-f]{8}")


def published(node: Any) -> Any:
    r"""The document with patterns as JSON Schema wants them (ECMA-262): `\Z` becomes `$`, the very end there."""
    if isinstance(node, dict):
        return {
            key: as_published(value) if key == "pattern" and isinstance(value, str) else published(value)
            for key, value in node.items()
        }
    return [published(one) for one in node] if isinstance(node, list) else node


def as_published(pattern: str) -> str:
    r"""One pattern, likewise; what ECMA-262 cannot say, `\U` above the first plane, is left to us alone."""
    return _ABOVE.sub("", pattern).replace(r"\Z", "$")
