"""Keys as settings hold them: 32 bytes in base64, those of encrypted fields with an id each, those of gateways."""

import base64
import re

from msgspec import Struct

from kernel.errors import Misconfigured

_BYTES = 32
_PURPOSES = frozenset(("transactional", "service", "marketing"))
_GATEWAY = re.compile(r"([a-z0-9][a-z0-9-]{0,31}):([\x21-\x2b\x2d-\x39\x3b-\x7e]{32,200})(?::([a-z+]*))?")
_CHANNELS = frozenset(("sms", "email", "push"))
_NAMED = re.compile(r"([a-z0-9][a-z0-9-]{0,31})(?::([a-z+]+))?")
_NAMED_FORM = (
    "HEXAD_GATEWAYS must be `name` or `name:channel+channel`, comma-separated; a name is of small letters, digits and"
    " hyphens, at most 32, a channel sms, email or push, sms where none is said"
)
_GATEWAYS_FORM = (
    "HEXAD_GATEWAY_SECRETS must be `name:secret` or `name:secret:purpose+purpose`, comma-separated; a name is of small"
    " letters, digits and hyphens, a secret of at least 32 characters: make one with `openssl rand -hex 32`"
)


class GatewayKey(Struct, frozen=True):
    """A secret with which a gateway signs; of these purposes it may lease messages."""

    name: str
    secret: bytes
    purposes: frozenset[str]

    def __repr__(self) -> str:
        """Without the secret, so that no traceback tells it."""
        return f"GatewayKey({self.name})"


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


def gateway_keys(setting: str) -> list[GatewayKey]:
    """The keys of HEXAD_GATEWAY_SECRETS; a gateway whose secret is being changed stands there twice.

    Raises `Misconfigured`, which names no secret.
    """
    return [_gateway_key(word) for word in filter(None, map(str.strip, setting.split(",")))]


def gateway_channels(setting: str) -> dict[str, frozenset[str]]:
    """The gateways of HEXAD_GATEWAYS, each with the channels of its messages; raises `Misconfigured`."""
    found: dict[str, frozenset[str]] = {}
    for word in filter(None, map(str.strip, setting.split(","))):
        match = _NAMED.fullmatch(word)
        channels = frozenset((match[2] or "sms").split("+")) if match else frozenset(("",))
        if not match or not channels <= _CHANNELS:
            raise Misconfigured(f"{_NAMED_FORM}, not {word!r}")
        found[match[1]] = channels
    return found


def _gateway_key(word: str) -> GatewayKey:
    match = _GATEWAY.fullmatch(word)
    purposes = frozenset(filter(None, (match[3] or "").split("+"))) if match else frozenset({""})
    if not match or not purposes <= _PURPOSES:
        raise Misconfigured(_GATEWAYS_FORM)
    return GatewayKey(match[1], match[2].encode(), purposes)
