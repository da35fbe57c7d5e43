"""The headers of a request, and the id that it goes by."""

import re
from typing import Any, Literal

import uuid_utils as uuid

from kernel.text import negotiation

_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


def header(scope: Any, name: bytes) -> str:
    """A request header's first value, empty when it is not there."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return ""


def values(scope: Any, name: bytes) -> list[str]:
    """A request header's value of each of its lines."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def listed(scope: Any, name: bytes) -> str:
    """A request header that is a list, which may come in several lines: they are one."""
    return ", ".join(values(scope, name))


def language(scope: Any) -> Literal["zh", "en"]:
    """The language that Accept-Language prefers, `zh` or `en`."""
    return negotiation.language(listed(scope, b"accept-language"))


def new_request_id(scope: Any) -> str:
    """The id that the client sent, when it is well formed; else a new one (UUIDv7)."""
    sent = header(scope, b"x-request-id")
    return sent if sent and _REQUEST_ID.fullmatch(sent) else str(uuid.uuid7())


def request_id(scope: Any) -> str:
    """The id of the request under way."""
    return str(scope.get("hexad_request_id", ""))
