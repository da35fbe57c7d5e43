"""The protocol as an AsyncAPI 3 document, made from the contract Structs; and what in a new one breaks old clients.

`python -m realtime.asyncapi` writes `docs/asyncapi.yaml`, which a test holds equal to what is generated.
"""

from pathlib import Path
from typing import Any, get_args

import msgspec
import yaml

from mobile_contracts.compatibility import Document, differences, resolved
from mobile_contracts.frame import AnyClientFrame, AnyServerFrame
from mobile_contracts.published import published
from realtime.handshake import PATH as ADDRESS
from realtime.handshake import SUBPROTOCOL
from realtime.session import FRAME_BYTES

PATH = Path(__file__).parents[1] / "docs" / "asyncapi.yaml"

_SCHEMAS = "#/components/schemas/"
_DESCRIPTION = f"""\
The subprotocol `{SUBPROTOCOL}` is required. The handshake is answered by 400 (no or another subprotocol, a query in the
address, or nothing that can be read), 403 (an Origin that is not in HEXAD_ORIGINS), 404 (another path than
`{ADDRESS}`), 414 or 431 (it is too long), 426 (not a WebSocket) or 503 (the node is full or stopping, with Retry-After
in seconds). Nothing is sent behind an upgrade before it was answered (400). Of an address that has too many connections
without a sign-in, the oldest ends.

JSON text frames of at most {FRAME_BYTES} bytes, one object each. The first is `auth`, within 5 s; the token is never
in the address; the keys of its `resume` are conversation ids (UUIDs). Close codes: 1009 too big, 1012 the node drains,
4008 the client does not read or was not heard of for a minute (who speaks need not answer pings), 4029 too many frames
or too many connections of the principal, 4400 no frame in shape (binary, bad JSON, an unknown type or field), 4401 sign
in (again), 1002 and 1007 no WebSocket or no UTF-8, 1011 our fault. A value that its field does not take is answered by
`error` with `bad_frame`, any frame but `auth` before the sign-in with `not_allowed`, and so is one whose `x-permission`
they do not have (`me` lists what staff have; it may change while a socket is open). The texts of errors are English:
show your own, by `code`."""


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
                    **_permissions(f),
                }
                for f in frames
            },
            "schemas": published(dict(sorted(schemas.items()))),
        },
    }


def _permissions(frame: Any) -> Document:
    """What a client's frame asks of each side, as an extension of AsyncAPI."""
    asked = {side: frame.asks(side) for side in ("staff", "investor") if hasattr(frame, "asks") and frame.asks(side)}
    return {"x-permission": asked} if asked else {}


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
                found += differences(name, schema, after[name], sent_by_client=action == "receive")
    return sorted(found)


def _payloads(of: Document, action: str) -> dict[str, Any]:
    """The schema of every frame that goes one way, references resolved."""
    messages = [resolved(of, message) for message in of["operations"][action]["messages"]]
    return {message["name"]: message["payload"] for message in messages}


if __name__ == "__main__":
    PATH.write_text(text())
