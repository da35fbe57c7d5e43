"""One-time codes (一次性验证码): six digits by SMS, ten characters by hand, bound to person, purpose and device.

A code lives 5 minutes (by hand 24 hours), bears 5 tries, is good once, and ends when a newer one is made.
"""

import hmac
import secrets
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import uuid_utils.compat as uuid
from msgspec import Struct

from kernel.crypto import Fields, Place
from kernel.database import Tx
from kernel.keys import key
from kernel.scope import Audience
from kernel.settings import Settings
from kernel.sql import load

Purpose = Literal["sign_in", "password", "activate", "subscribe"]
SMS_SECONDS, HAND_SECONDS = 300, 24 * 3600
PER_ADDRESS, PER_DEVICE = 20, 10
PER_NUMBER = (1, 5, 10)
"""Codes to one number per minute, hour and day."""

_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_HAND_LENGTH = 10


class Asked(Struct, frozen=True):
    """How many codes were asked for lately: by address and device in an hour, sent by the firm, and to the number."""

    address: int
    device: int
    firm: int
    number_minute: int
    number_hour: int
    number_day: int

    @property
    def number_is_full(self) -> bool:
        """Whether the number has had its share; who asks is not told."""
        counts = (self.number_minute, self.number_hour, self.number_day)
        return any(count >= most for count, most in zip(counts, PER_NUMBER, strict=True))

    def refused(self, firm: int) -> bool:
        """Whether address, device or firm have had theirs."""
        return self.address >= PER_ADDRESS or self.device >= PER_DEVICE or self.firm >= firm


_sql = load(Path(__file__).with_name("code.sql"), Asked)


class Owner(Struct, frozen=True):
    """Whose code it is, what for, and on which device (empty: on any); `about` names the thing it is good for."""

    purpose: Purpose
    audience: Audience
    subject: str
    device_id: str
    about: str = ""


class Destination(Struct, frozen=True):
    """A mobile number in E.164 and its blind index."""

    mobile: str
    index: bytes

    def __repr__(self) -> str:
        return "Destination(…)"


class Codes:
    """Makes codes and knows them again; the key comes from HEXAD_INDEX_KEY."""

    def __init__(self, settings: Settings, fields: Fields) -> None:
        """Raises `Misconfigured` when HEXAD_INDEX_KEY is missing."""
        self._key = hmac.digest(key("HEXAD_INDEX_KEY", settings.index_key), b"one-time code", "sha256")
        self._fields = fields

    async def make(self, tx: Tx, owner: Owner, address: str, to: Destination | None = None) -> tuple[UUID, str]:
        """A new code, its id first; one with a destination waits there to be sent by SMS."""
        code_id, by_hand = uuid.uuid7(), owner.purpose == "activate"
        code = by_hand_code() if by_hand else f"{secrets.randbelow(10**6):06}"
        # Sealed for nobody too: the work is the same.
        sealed = self._fields.seal(code, Place("one_time_code", "sealed", str(code_id)))
        mobile = self._fields.seal(to.mobile if to else "", Place("one_time_code", "mobile", str(code_id)))
        await _sql.end_older(tx, audience=owner.audience, subject=owner.subject, purpose=owner.purpose)
        await _sql.add(
            tx, id=code_id, purpose=owner.purpose, audience=owner.audience, subject=owner.subject,
            device_id=owner.device_id, hash=self._hash(code_id, owner, code), sealed=sealed if to else None,
            mobile=mobile if to else None, mobile_index=to.index if to else None, address=address,
            seconds=float(HAND_SECONDS if by_hand else SMS_SECONDS), about=owner.about,
        )  # fmt: skip
        return code_id, code

    async def matches(self, tx: Tx, owner: Owner, code: str) -> UUID | None:
        """The id of the owner's code when this is it; counts a try either way."""
        row: Any = await _sql.try_once(tx, **{name: getattr(owner, name) for name in owner.__struct_fields__})
        known_id, known = (row["id"], row["hash"]) if row else (_NONE, bytes(32))
        right = hmac.compare_digest(self._hash(known_id, owner, plain(code)), known)
        return known_id if right and row else None

    def _hash(self, code_id: UUID, owner: Owner, code: str) -> bytes:
        parts: tuple[str, ...] = (str(code_id), owner.purpose, owner.audience, owner.subject, owner.device_id, code)
        parts += (owner.about,) if owner.about else ()
        told = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
        return hmac.digest(self._key, told, "sha256")


async def use(tx: Tx, code_id: UUID) -> bool:
    """Uses a code up; false when somebody was faster."""
    return await _sql.use(tx, id=code_id) is not None


async def asked(tx: Tx, address: str, device_id: str, mobile_index: bytes | None, firm: int) -> Asked:
    """What was asked for lately, one who asks after the other: whoever counts to the same limit waits."""
    await _sql.wait_in_turn(tx, keys=[f"code address {address}", f"code device {device_id}",
                                      f"code number {(mobile_index or b'').hex()}"])  # fmt: skip
    found: Asked = await _sql.asked(
        tx, address=address, device_id=device_id, mobile_index=mobile_index or b"", firm=firm
    )
    return found


async def wait(tx: Tx, address: str, device_id: str, firm: int, mobile_index: bytes = b"") -> float:
    """Seconds until none of the limits refuses any more, the number's only where it is given."""
    most = {"per_address": PER_ADDRESS, "per_device": PER_DEVICE, "per_number": PER_NUMBER, "firm": firm}
    return float(await _sql.wait(tx, address=address, device_id=device_id, mobile_index=mobile_index, **most))


def by_hand_code() -> str:
    """Ten characters that are not mistaken for one another, about 49 bits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(_HAND_LENGTH))


def shown(code: str) -> str:
    """The code as people read it: in two halves."""
    return f"{code[:5]}-{code[5:]}" if len(code) == _HAND_LENGTH else code


def plain(code: str) -> str:
    """What was typed, without gaps and in capitals."""
    return "".join(code.split()).replace("-", "").upper()


_NONE = UUID(int=0)
