"""One-time codes (一次性验证码): six digits by SMS, ten characters by hand, bound to person, purpose and device.

A code lives 5 minutes (by hand 24 hours), bears 5 tries, is good once, and ends when a newer one is made on its device.
"""

import hmac
import secrets
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import uuid_utils.compat as uuid
from msgspec import Struct

from identity import turn
from identity.code_budget import PER_ADDRESS, PER_DEVICE, PER_NUMBER, PER_PERSON, AskedBy, Asker, per_network
from kernel.errors import InvalidInput, RateLimited
from kernel.security.crypto import Fields, Place
from kernel.security.scope import Audience
from kernel.settings import Settings
from kernel.settings.keys import key
from kernel.store.database import Tx
from kernel.store.sql import load
from kernel.text.personal import mobile
from mobile_contracts.messaging.template import Language

Purpose = Literal["sign_in", "password", "activate", "subscribe"]
SMS_SECONDS, HAND_SECONDS = 300, 24 * 3600

_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_HAND_LENGTH = 10


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


class Waiting(Struct, frozen=True):
    """A code that waits to be sent; code and number are sealed."""

    id: UUID
    purpose: str
    sealed: bytes
    mobile: bytes
    language: Language
    created_at: datetime
    expires_at: datetime
    about: str = ""

    def opened(self, fields: Fields) -> tuple[str, str]:
        """The code, and the mobile number that it goes to."""
        return fields.open(self.sealed, _sealed(self.id)), fields.open(self.mobile, _mobile(self.id))

    def __repr__(self) -> str:
        return f"Waiting({self.id}, …)"


_sql = load(Path(__file__).with_name("one_time_code.sql"), Waiting)


class Codes:
    """Makes codes and knows them again; the key comes from HEXAD_INDEX_KEY."""

    def __init__(self, settings: Settings, fields: Fields) -> None:
        """Raises `Misconfigured` when HEXAD_INDEX_KEY is missing."""
        self._key = hmac.digest(key("HEXAD_INDEX_KEY", settings.index_key), b"one-time code", "sha256")
        self._fields = fields
        self._firm = settings.sms_codes

    def asker(self, by: AskedBy, login: str, device_id: str, address: str) -> Asker:
        """Who asks for a code for this login, which is counted as it was typed, known or not."""
        asked_for = hmac.digest(self._key, b"asked for " + _normal(login).encode(), "sha256")
        return Asker(by, asked_for, device_id, address)

    async def admit(self, tx: Tx, asker: Asker, purpose: Purpose, mobile_index: bytes | None) -> None:
        """Raises `RateLimited`, which says when, when who asks, the number or the firm have had their share."""
        number = [] if mobile_index is None else [f"code {asker.by} {mobile_index.hex()}"]
        await turn.wait(tx, [*asker.turns, *number])
        stranger = asker.by == "stranger"
        wait: float | None = await _sql.wait(
            tx, purpose=purpose, asked_by=asker.by, asked_for=asker.asked_for, mobile_index=mobile_index,
            device_id=asker.device_id if stranger else None, address=asker.address if stranger else None,
            network=asker.network if stranger else None, per_person=PER_PERSON, per_number=PER_NUMBER,
            per_device=PER_DEVICE, per_address=PER_ADDRESS, per_network=per_network(self._firm), firm=self._firm,
        )  # fmt: skip
        if wait is not None:
            # raised by: strangers, refused alone: known devices and who is signed in are counted apart
            raise RateLimited(wait)

    async def make(self, tx: Tx, owner: Owner, asker: Asker, to: Destination | None = None) -> tuple[UUID, str]:
        """A new code, its id first; one with a destination waits there to be sent by SMS."""
        code_id, by_hand = uuid.uuid7(), owner.purpose == "activate"
        code = by_hand_code() if by_hand else f"{secrets.randbelow(10**6):06}"
        # Sealed for nobody too: the work is the same.
        sealed = self._fields.seal(code, _sealed(code_id))
        mobile = self._fields.seal(to.mobile if to else "", _mobile(code_id))
        await _sql.end_older(
            tx, audience=owner.audience, subject=owner.subject, purpose=owner.purpose, device_id=owner.device_id
        )
        await _sql.add(
            tx, id=code_id, purpose=owner.purpose, audience=owner.audience, subject=owner.subject,
            device_id=owner.device_id, hash=self._hash(code_id, owner, code), sealed=sealed if to else None,
            mobile=mobile if to else None, mobile_index=to.index if to else None, address=asker.address,
            seconds=float(HAND_SECONDS if by_hand else SMS_SECONDS), about=owner.about, asked_by=asker.by,
            asked_for=asker.asked_for, network=asker.network,
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


async def find_waiting(tx: Tx, code_id: UUID) -> Waiting | None:
    """The code, null when there is nothing to send (any more)."""
    waiting: Waiting | None = await _sql.find_waiting(tx, id=code_id)
    return waiting


async def forget(tx: Tx, code_id: UUID) -> None:
    """What was handed over, or can be no more, is not kept."""
    await _sql.forget(tx, id=code_id)


def by_hand_code() -> str:
    """Ten characters that are not mistaken for one another, about 49 bits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(_HAND_LENGTH))


def shown(code: str) -> str:
    """The code as people read it: in two halves."""
    return f"{code[:5]}-{code[5:]}" if len(code) == _HAND_LENGTH else code


def plain(code: str) -> str:
    """What was typed, without gaps and in capitals."""
    return "".join(code.split()).replace("-", "").upper()


def _sealed(code_id: UUID) -> Place:
    return Place("one_time_code", "sealed", str(code_id))


def _mobile(code_id: UUID) -> Place:
    return Place("one_time_code", "mobile", str(code_id))


def _normal(login: str) -> str:
    """A mobile number in E.164 however it was typed, anything else as it is."""
    try:
        return mobile(login)
    except InvalidInput:
        return login


_NONE = UUID(int=0)
