"""Signing in by password and authenticator, by password, or by a code: refused alike, whatever the reason."""

from uuid import UUID

from litestar import Router, post
from litestar.params import JSONBody
from msgspec import Struct

from api.auth import code, credential, people, session, totp
from api.auth.code import Owner
from api.auth.credential import NONE, Credential
from api.auth.door import NOBODY, Visit
from api.auth.password import normal
from api.auth.people import Person
from api.edge.identify import public
from api.edge.request import HttpRequest
from kernel.database import Tx
from kernel.errors import DeviceRevoked, HexadError, InvalidInput, SignInRefused
from kernel.scope import Audience
from mobile_contracts.auth import Device, InvestorSignIn, SignedIn, StaffSignIn

_WHY = "whoever signs in has no token yet"
_NOBODYS_KEY = totp.new_secret()


class Arrival(Struct, frozen=True):
    """Who seems to be at the door (empty: nobody known), with the credential unless locked out."""

    audience: Audience
    subject: str
    charged: Credential | None

    @property
    def credential(self) -> Credential:
        """The credential, that of nobody when there is none to be had."""
        return self.charged or NONE

    def why_not(self, what: str, *, right: bool) -> str:
        """Why this person does not come in, for the audit log; empty when they do."""
        if not self.subject:
            return "nobody"
        if self.charged is None:
            return "locked"
        return "" if right else what


@post("/staff/sign-in", guards=[public(_WHY)], status_code=200, summary="Sign in as staff")
async def sign_in_staff(request: HttpRequest, data: JSONBody[StaffSignIn]) -> SignedIn:
    """By employee number, password and authenticator; 401 says no more than that it was refused.

    403 for the right details on a device that was revoked.
    """
    visit = Visit.of(request, "staff")
    async with visit.transaction() as tx:
        await _count(tx, visit)
        arrival = await _arrive(tx, "staff", await people.employee(tx, data.employee_no))
    right = await visit.door.passwords.verify(arrival.credential.password, data.password)
    secret = credential.open_totp(visit.door.fields, "staff", arrival.subject, arrival.credential.totp)
    step = totp.step_of(secret or _NOBODYS_KEY, data.totp)
    why = arrival.why_not("password", right=right) or ("totp" if secret is None or step is None else "")
    return await _decide(visit, arrival, data.device, data.password, why, step)


@post("/investor/sign-in", guards=[public(_WHY)], status_code=200, summary="Sign in as an investor")
async def sign_in_investor(request: HttpRequest, data: JSONBody[InvestorSignIn]) -> SignedIn:
    """By customer number or mobile number, and either the password or a code sent by SMS.

    403 for the right details on a device that was revoked.
    """
    if (data.password is None) == (data.code is None):
        raise InvalidInput("give either password or code", "password 与 code 须且只能提供一个")
    visit, matched = Visit.of(request, "investor"), None
    async with visit.transaction() as tx:
        await _count(tx, visit)
        arrival = await _arrive(tx, "investor", await people.customer(tx, visit.door.index, data.login))
        if data.code is not None:
            owner = Owner("sign_in", "investor", arrival.subject if arrival.charged else NOBODY, data.device.device_id)
            matched = await visit.door.codes.matches(tx, owner, data.code)
    if data.password is None:
        return await _by_code(visit, arrival, data.device, matched)
    right = await visit.door.passwords.verify(arrival.credential.password, data.password)
    return await _decide(visit, arrival, data.device, data.password, arrival.why_not("password", right=right))


async def _by_code(visit: Visit, arrival: Arrival, device: Device, matched: UUID | None) -> SignedIn:
    error: type[HexadError] = SignInRefused
    async with visit.transaction() as tx:
        if matched is not None and await code.use(tx, matched):
            await credential.accept(tx, arrival.audience, arrival.subject)
            if begun := await _begin(tx, visit, arrival, device, "code by SMS"):
                return begun
            error = DeviceRevoked
        else:
            await visit.refused(tx, arrival.audience, arrival.subject, arrival.why_not("code", right=False), device)
    raise error


async def _decide(
    visit: Visit, arrival: Arrival, device: Device, password: str, why: str, step: int | None = None
) -> SignedIn:
    """Lets the person in unless there is a reason not to; the hash of the password follows our parameters."""
    stored, passwords, rehashed = arrival.credential.password, visit.door.passwords, None
    if not why and stored is not None and passwords.outdated(stored):
        rehashed = await passwords.hash(normal(password))
    how = "password" if step is None else "password, authenticator"
    error: type[HexadError] = SignInRefused
    async with visit.transaction() as tx:
        if not why and await credential.accept(tx, arrival.audience, arrival.subject, stored, step, rehashed):
            if begun := await _begin(tx, visit, arrival, device, how):
                return begun
            error = DeviceRevoked
        else:
            await visit.refused(tx, arrival.audience, arrival.subject, why or "used before", device)
    raise error


async def _begin(tx: Tx, visit: Visit, arrival: Arrival, device: Device, how: str) -> SignedIn | None:
    await credential.forgive_address(tx, visit.address)
    return await session.begin(tx, visit, arrival.audience, arrival.subject, device, how)


async def _count(tx: Tx, visit: Visit) -> None:
    visit.door.passwords.ready()
    await credential.count_address(tx, visit.address, visit.door.settings.sign_in_attempts)


async def _arrive(tx: Tx, audience: Audience, person: Person | None) -> Arrival:
    subject = person.subject if person else NOBODY
    return Arrival(audience, subject, await credential.charge(tx, audience, subject))


auth = Router("", route_handlers=[sign_in_staff, sign_in_investor], tags=["Sign-in"])
