"""Keys as settings hold them: 32 bytes in base64, those of encrypted fields with an id each."""

import base64

from kernel.errors import Misconfigured

_BYTES = 32


def key(variable: str, encoded: str) -> bytes:
    """The 32 bytes of a key; raises `Misconfigured` naming the variable."""
    try:
        found = base64.b64decode(encoded, validate=True)
    except ValueError:
        found = b""
    if len(found) != _BYTES:
        raise Misconfigured(f"{variable} must be 32 bytes in base64: make one with `openssl rand -base64 32`")
    return found


def field_keys(setting: str) -> dict[str, bytes]:
    """The keys of HEXAD_FIELD_KEYS by id, the current one first; raises `Misconfigured` when there is none."""
    found: dict[str, bytes] = {}
    for word in filter(None, map(str.strip, setting.split(","))):
        name, _, encoded = word.partition(":")
        if not (name.isascii() and name.isalnum() and len(name) <= 32) or name in found:
            raise Misconfigured(
                "HEXAD_FIELD_KEYS: every key needs an id of its own, of letters and digits: `k1:base64`"
            )
        found[name] = key("HEXAD_FIELD_KEYS: what follows an id and its colon", encoded)
    if not found:
        raise Misconfigured("HEXAD_FIELD_KEYS is missing: make a key with `openssl rand -base64 32`, write `k1:…`")
    return found
