"""The protocol as an AsyncAPI 3 document, made from the contract Structs; and what in a new one breaks old clients.

`python -m realtime.asyncapi` writes `docs/asyncapi.yaml`, which a test holds equal to what is generated.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
import yaml

from mobile_contracts.frame import AnyClientFrame, AnyServerFrame
from realtime.handshake import SUBPROTOCOL
from realtime.session import FRAME_BYTES

PATH = Path(__file__).parents[1] / "docs" / "asyncapi.yaml"

_SCHEMAS = "#/components/schemas/"
_SHAPE = ("type", "format", "pattern", "anyOf")
_BOUNDS = {"maximum": 1, "maxLength": 1, "maxItems": 1, "maxProperties": 1,
           "minimum": -1, "minLength": -1, "minItems": -1}  # fmt: skip
"""1 where a smaller number is narrower, -1 where a greater one is."""
_DESCRIPTION = f"""\
JSON text frames of at most {FRAME_BYTES} bytes, one object each. The first is `auth`, within 5 s; the token is never
in the address. Close codes: 1009 too big, 1012 the node drains, 4008 the client does not read, 4029 too many frames,
4400 no frame in shape (binary, bad JSON, an unknown type or field), 4401 sign in (again). A value that its field does
not take is answered by `error` with `bad_frame`, any frame but `auth` before the sign-in with `not_allowed`."""

Document = dict[str, Any]


def document() -> Document:
    """The AsyncAPI document of this version."""
    sides = {"receive": get_args(AnyClientFrame), "send": get_args(AnyServerFrame)}
    frames = [frame for side in sides.values() for frame in side]
    _, schemas = msgspec.json.schema_components(frames, ref_template=_SCHEMAS + "{name}")
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Hexad realtime", "version": SUBPROTOCOL, "description": _DESCRIPTION},
        "defaultContentType": "application/json",
        "channels": {
            "socket": {
                "address": "/ws",
                "messages": {f.__name__: {"$ref": f"#/components/messages/{f.__name__}"} for f in frames},
                "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
            }
        },
        "operations": {
            action: {
                "action": action,
                "channel": {"$ref": "#/channels/socket"},
                "messages": [{"$ref": f"#/channels/socket/messages/{f.__name__}"} for f in side],
            }
            for action, side in sides.items()
        },
        "components": {
            "messages": {
                f.__name__: {
                    "name": f.__struct_config__.tag,
                    "summary": (f.__doc__ or "").strip(),
                    "payload": {"$ref": _SCHEMAS + f.__name__},
                }
                for f in frames
            },
            "schemas": dict(sorted(schemas.items())),
        },
    }


def text() -> str:
    """The document as YAML."""
    return yaml.safe_dump(document(), sort_keys=False, allow_unicode=True, width=120)


def breaks(old: Document, new: Document) -> list[str]:
    """What a client of the old document would trip over in the new one; empty when it would not."""
    found: list[str] = []
    for action in ("receive", "send"):
        before, after = _payloads(old, action), _payloads(new, action)
        for name, schema in before.items():
            if name not in after:
                found.append(f"{name} is gone")
            else:
                found += _differences(name, schema, after[name], sent_by_client=action == "receive")
    return sorted(found)


def _payloads(of: Document, action: str) -> dict[str, Any]:
    """The schema of every frame that goes one way, references resolved."""
    messages = [_resolved(of, message) for message in of["operations"][action]["messages"]]
    return {message["name"]: message["payload"] for message in messages}


def _resolved(of: Document, part: Any) -> Any:
    if isinstance(part, list):
        return [_resolved(of, one) for one in part]
    if not isinstance(part, dict):
        return part
    if isinstance(reference := part.get("$ref"), str):
        found: Any = of
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        return _resolved(of, found)
    return {key: _resolved(of, value) for key, value in part.items()}


def _differences(at: str, old: Document, new: Document, *, sent_by_client: bool) -> Iterator[str]:
    if any(old.get(key) != new.get(key) for key in _SHAPE):
        yield f"{at} changed its type"
    for part in ("items", "additionalProperties"):
        if isinstance(old.get(part), dict) and isinstance(new.get(part), dict):
            yield from _differences(f"{at}[]", old[part], new[part], sent_by_client=sent_by_client)
    yield from _missing(at, old, new, sent_by_client=sent_by_client)
    if sent_by_client:
        yield from _narrowed(at, old, new)
    for name, schema in old.get("properties", {}).items():
        if name in new.get("properties", {}):
            yield from _differences(f"{at}.{name}", schema, new["properties"][name], sent_by_client=sent_by_client)


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


if __name__ == "__main__":
    PATH.write_text(text())
