"""Signing in by password and authenticator, by password, or by a code: refused alike, whatever the reason."""

from contextlib import ExitStack

from litestar import Router, post
from litestar.params import JSONBody
from msgspec import Struct

from api.edge.identify import public
from api.edge.request import HttpRequest
from api.edge.visit import visit_of
from identity import attempt, authenticator, credential, one_time_code, people, refresh_token
from identity.attempt import Attempt, Proof
from identity.credential import Credential
from identity.door import NOBODY, Visit
from identity.one_time_code import Owner
from identity.password import normal
from identity.people import Person
from kernel.errors import DeviceRevoked, HexadError, InvalidInput, WrongCredentials
from kernel.security.scope import Audience
from kernel.store.database import Tx
from mobile_contracts.identity.sign_in import Device, InvestorSignIn, SignedIn, StaffSignIn

_WHY = "whoever signs in has no token yet"
_NOBODYS_KEY = authenticator.new_secret()


class Arrival(Struct, frozen=True):
    """Who seems to be at the door, with the credential unless it is not looked at."""

    attempt: Attempt
    credential: Credential

    @property
    def audience(self) -> Audience:
        """On which side they want to come in."""
        return self.attempt.audience

    @property
    def subject(self) -> str:
        """Their number; empty: nobody known."""
        return self.attempt.subject

    def why_not(self, what: str, *, right: bool) -> str:
        """Why this person does not come in, for the audit log; empty when they do."""
        if not self.subject:
            return "nobody"
        if not self.attempt.open:
            return "locked"
        return "" if right else what


@post("/staff/sign-in", guards=[public(_WHY)], status_code=200, summary="Sign in as staff")
async def sign_in_staff(request: HttpRequest, data: JSONBody[StaffSignIn]) -> SignedIn:
    """By employee number, password and authenticator; 401 says no more than that it was refused.

    403 for the right details on a device that was revoked.
    """
    visit = visit_of(request, "staff")
    with ExitStack() as place:
        async with visit.transaction() as tx:
            person = await people.employee(tx, data.employee_no)
            arrival = await _arrive(tx, visit, "staff", person, "password", data.device, place)
        right = await visit.door.passwords.verify(arrival.credential.password, data.password)
        secret = credential.open_totp(visit.door.fields, "staff", arrival.subject, arrival.credential.totp)
        step = authenticator.step_of(secret or _NOBODYS_KEY, data.totp)
        why = arrival.why_not("password", right=right) or ("totp" if secret is None or step is None else "")
        return await _decide(visit, arrival, data.device, data.password, why, step)


@post("/investor/sign-in", guards=[public(_WHY)], status_code=200, summary="Sign in as an investor")
async def sign_in_investor(request: HttpRequest, data: JSONBody[InvestorSignIn]) -> SignedIn:
    """By customer number or mobile number, and either the password or a code sent by SMS.

    403 for the right details on a device that was revoked.
    """
    if (data.password is None) == (data.code is None):
        raise InvalidInput("give either password or code", "password 与 code 须且只能提供一个")
    visit = visit_of(request, "investor")
    if data.code is not None:
        return await _by_code(visit, data.login, data.code, data.device)
    with ExitStack() as place:
        async with visit.transaction() as tx:
            person = await people.customer(tx, visit.door.index, data.login)
            arrival = await _arrive(tx, visit, "investor", person, "password", data.device, place)
        password = data.password or ""
        right = await visit.door.passwords.verify(arrival.credential.password, password)
        return await _decide(visit, arrival, data.device, password, arrival.why_not("password", right=right))


async def _by_code(visit: Visit, login: str, given: str, device: Device) -> SignedIn:
    error: type[HexadError] = WrongCredentials
    async with visit.transaction() as tx:
        person = await people.customer(tx, visit.door.index, login)
        arrival = await _arrive(tx, visit, "investor", person, "code", device)
        owner = Owner("sign_in", "investor", arrival.subject if arrival.attempt.open else NOBODY, device.device_id)
        matched = await visit.door.codes.matches(tx, owner, given)
        if matched is not None and await one_time_code.use(tx, matched):
            if begun := await _begin(tx, visit, arrival, device, "code by SMS"):
                return begun
            error = DeviceRevoked
        else:
            await _refuse(tx, visit, arrival, arrival.why_not("code", right=False), device)
    raise error


async def _decide(
    visit: Visit, arrival: Arrival, device: Device, password: str, why: str, step: int | None = None
) -> SignedIn:
    """Lets the person in unless there is a reason not to; the hash of the password follows our parameters."""
    stored, passwords, rehashed = arrival.credential.password, visit.door.passwords, None
    if not why and stored is not None and passwords.outdated(stored):
        rehashed = await passwords.hash(normal(password))
    how = "password" if step is None else "password, authenticator"
    error: type[HexadError] = WrongCredentials
    async with visit.transaction() as tx:
        if not why and await credential.accept(tx, arrival.audience, arrival.subject, stored, step, rehashed):
            if begun := await _begin(tx, visit, arrival, device, how):
                return begun
            error = DeviceRevoked
        else:
            await _refuse(tx, visit, arrival, why or "used before", device)
    raise error


async def _begin(tx: Tx, visit: Visit, arrival: Arrival, device: Device, how: str) -> SignedIn | None:
    await attempt.forgive(tx, arrival.attempt)
    return await refresh_token.begin(tx, visit, arrival.audience, arrival.subject, device, how)


async def _refuse(tx: Tx, visit: Visit, arrival: Arrival, why: str, device: Device) -> None:
    await attempt.fail(tx, arrival.attempt)
    await visit.refused(tx, arrival.audience, arrival.subject, why, device)


async def _arrive(
    tx: Tx, visit: Visit, audience: Audience, person: Person | None, proof: Proof, device: Device,
    place: ExitStack | None = None,
) -> Arrival:  # fmt: skip
    """Counts the attempt, and takes a place for what is to be verified: where there is none, nothing is counted."""
    known = await people.knows(tx, audience, person, device.device_id)
    begun = await visit.attempt_from(tx, proof, audience, person, device.device_id, known=known)
    if place is not None:
        place.enter_context(visit.door.passwords.place(known=known))
    found = await credential.find(tx, audience, begun.subject if begun.open else NOBODY)
    return Arrival(begun, found)


auth = Router("", route_handlers=[sign_in_staff, sign_in_investor], tags=["Sign-in"])
