"""What every sign-in needs: the keys and clients of this process, and one visitor with address and request."""

import contextlib
from collections.abc import AsyncIterator

from msgspec import Struct

from identity import attempt
from identity.attempt import Attempt, Origin, Proof
from identity.one_time_code import Codes
from identity.password import Passwords
from identity.people import Person
from identity.principal import Tokens
from identity.provider import Provider
from identity.successors import Successors
from kernel.events.outbox import Record, record
from kernel.security.crypto import BlindIndex, Fields
from kernel.security.scope import NOTHING, Audience, Principal, Scope, apply, apply_system
from kernel.settings import Settings, words
from kernel.store.database import Database, Tx
from mobile_contracts.identity.sign_in import Device


class Door:
    """One per process; `provider` is null where single sign-on is not offered."""

    def __init__(self, settings: Settings, tokens: Tokens) -> None:
        """Raises `Misconfigured` when a key is missing."""
        self.settings, self.tokens = settings, tokens
        self.audiences = frozenset(words(settings.audiences))
        self.fields, self.index = Fields(settings), BlindIndex(settings)
        self.successors = Successors(settings)
        self.passwords, self.codes = Passwords(), Codes(settings, self.fields)
        self.provider = Provider(settings) if settings.oidc_issuer else None

    async def close(self) -> None:
        """Lets go of connections to the provider."""
        if self.provider is not None:
            await self.provider.close()


class Visitor(Struct, frozen=True, omit_defaults=True):
    """What the audit log keeps of a visit besides its outcome."""

    address: str
    device_id: str = ""
    device: str = ""
    app_version: str = ""


class Visit(Struct, frozen=True):
    """One request at the door, by somebody who is not signed in yet."""

    door: Door
    database: Database
    address: str
    request_id: str

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """A transaction of the system's own, which sees every customer, since who asks is not known yet."""
        async with self.database.transaction() as tx:
            await apply_system(tx, "sign_in", self.request_id, kind="company")
            yield tx

    async def attempt_from(
        self,
        tx: Tx,
        proof: Proof,
        audience: Audience,
        person: Person | None,
        device_id: str = "",
        *,
        known: bool = False,
    ) -> Attempt:
        """Counts an attempt of this visit to prove that one is this person; raises `RateLimited`."""
        origin = Origin.of(proof, self.address, device_id, known=known)
        subject = NOBODY if person is None else person.subject
        return await attempt.begin(tx, origin, audience, subject, self.door.settings.sign_in_attempts)

    async def refused(self, tx: Tx, audience: Audience, subject: str, why: str, device: Device | str) -> None:
        """Keeps in the audit log that somebody was refused, and why, which they are not told."""
        what = Record(action="sign_in.refused", noun="credential", noun_id=f"{audience}:{subject}", reason=why,
                      after=self.attempt(device))  # fmt: skip
        await record(tx, what)

    def attempt(self, device: Device | str) -> Visitor:
        """The visit as the audit log keeps it."""
        if isinstance(device, str):
            return Visitor(self.address, device)
        return Visitor(self.address, device.device_id, device.name, device.app_version)

    async def enter(self, tx: Tx, principal: Principal) -> None:
        """From here on the transaction is the person's own."""
        await apply(tx, Scope(principal=principal, reach=NOTHING, request_id=self.request_id))


NOBODY = ""
"""The subject under which what strangers do is kept."""
