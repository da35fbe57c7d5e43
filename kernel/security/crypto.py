"""Encrypted fields (AES-256-GCM, keys with ids, bound to their place), and indexes that find them without reading them.

Sealed, a field is: 1 byte version (1), 1 byte length of the key id, the key id, 12 bytes nonce, ciphertext and tag.
"""

import hmac
import secrets
from collections.abc import Iterator, Sequence
from typing import Literal, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from kernel.errors import FieldSealed
from kernel.settings import Settings
from kernel.settings.keys import field_keys, key
from kernel.text.personal import id_no, mobile

Purpose = Literal["mobile", "id_no"]
_VERSION = 1
_NONCE = 12
_NORMAL = {"mobile": mobile, "id_no": id_no}


class Place(Struct, frozen=True):
    """Where an encrypted field stands; moved anywhere else, it does not open."""

    table: str
    column: str
    row: str

    def __bytes__(self) -> bytes:
        return b"".join(map(_measured, (self.table, self.column, self.row)))


class Fields:
    """Seals and opens fields with the keys of HEXAD_FIELD_KEYS; the first seals, all of them open."""

    def __init__(self, settings: Settings) -> None:
        """Raises `Misconfigured` naming the variable when there is no key or a wrong one."""
        self._keys = {name: AESGCM(secret) for name, secret in field_keys(settings.field_keys).items()}
        self._current = next(iter(self._keys))

    def seal(self, text: str, place: Place) -> bytes:
        """The text encrypted for that place alone, with the current key."""
        head, nonce = _head(self._current), secrets.token_bytes(_NONCE)
        return head + nonce + self._keys[self._current].encrypt(nonce, text.encode(), head + bytes(place))

    def seal_column(self, texts: Sequence[str], table: str, column: str, rows: Sequence[str]) -> Iterator[bytes]:
        """The same for a whole column at a time, each text for its own row."""
        cipher, head, nonces = self._keys[self._current], _head(self._current), secrets.token_bytes(_NONCE * len(texts))
        bound = head + _measured(table) + _measured(column)
        for number, (text, row) in enumerate(zip(texts, rows, strict=True)):
            nonce = nonces[number * _NONCE : (number + 1) * _NONCE]
            yield head + nonce + cipher.encrypt(nonce, text.encode(), bound + _measured(row))

    def open(self, sealed: bytes, place: Place) -> str:
        """The text; raises `FieldSealed` when it was altered, moved, or sealed with a key that is not there."""
        key_id, body = _parts(sealed)
        if key_id not in self._keys:
            raise FieldSealed("HEXAD_FIELD_KEYS does not have its key")
        try:
            return self._keys[key_id].decrypt(body[:_NONCE], body[_NONCE:], _head(key_id) + bytes(place)).decode()
        except (InvalidTag, ValueError) as error:
            raise FieldSealed from error

    def needs_rotation(self, sealed: bytes) -> bool:
        """Whether another key than the current one sealed it: open it, seal it anew, then the old key may go."""
        return _parts(sealed)[0] != self._current


class BlindIndex:
    """Finds an encrypted field by its exact content: a keyed hash that tells nothing to whoever lacks the key."""

    def __init__(self, settings: Settings) -> None:
        """Raises `Misconfigured` when HEXAD_INDEX_KEY is missing or not 32 bytes in base64."""
        self._key = key("HEXAD_INDEX_KEY", settings.index_key)

    def of(self, purpose: Purpose, text: str) -> bytes:
        """32 bytes, equal for equal content however it was written; raises `InvalidInput` for what is no such thing."""
        return self.of_normal(purpose, _NORMAL[purpose](text))

    def of_normal(self, purpose: Purpose | Literal["reply"], normal: str) -> bytes:
        """The same for a text that is in its normal form already, or is a document of another kind."""
        return hmac.digest(self._key, f"{purpose}\0{normal}".encode(), "sha256")


def _measured(part: str) -> bytes:
    """Text behind its own length, so that parts put together are told apart."""
    encoded = part.encode()
    return len(encoded).to_bytes(4, "big") + encoded


def _head(key_id: str) -> bytes:
    return bytes([_VERSION, len(key_id)]) + key_id.encode()


def _parts(sealed: bytes) -> tuple[str, bytes]:
    """Key id, and nonce with ciphertext; raises `FieldSealed` for anything that we did not make."""
    end = 2 + (sealed[1] if len(sealed) > 1 else 0)
    if len(sealed) < end + _NONCE + 16 or sealed[0] != _VERSION:
        raise FieldSealed("it is not an encrypted field")
    return sealed[2:end].decode(errors="replace"), sealed[end:]


class Seals(Protocol):
    """What seals fields, and finds those of mobile numbers: an API's door, a relay's taker."""

    @property
    def fields(self) -> Fields: ...
    @property
    def index(self) -> BlindIndex: ...
