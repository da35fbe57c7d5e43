"""Activation (激活): an administrator hands a code over, and with it the person sets password and authenticator."""

from contextlib import ExitStack
from typing import Annotated

from litestar import Router, post
from litestar.params import JSONBody, PathParameter

from api.edge.dependencies import Tx, Who
from api.edge.identify import may, public
from api.edge.request import HttpRequest
from api.edge.visit import visit_of
from identity import attempt, authenticator, credential, one_time_code, people, refresh_token
from identity.door import NOBODY, Visit
from identity.one_time_code import HAND_SECONDS, Codes, Owner
from identity.password import check
from kernel.errors import NotFound, WrongCredentials
from kernel.events.outbox import Record, emit
from kernel.store import database
from mobile_contracts.base import NO_CONTROLS
from mobile_contracts.event import CredentialChanged
from mobile_contracts.identity.sign_in import Activation, ActivationIssued, Authenticator

Number = Annotated[str, PathParameter(min_length=1, max_length=64, pattern=NO_CONTROLS)]


@post(
    "/people/{employee_no:str}/activation",
    guards=[may("person.change")],
    status_code=200,
    summary="Hand over an activation code",
)
async def issue_activation(request: HttpRequest, tx: Tx, who: Who, employee_no: Number) -> ActivationIssued:
    """A code that is good once within 24 hours and ends older ones; also for a lost authenticator.

    The person's password and authenticator are taken away and their sessions end at once. Repeating it gives another
    code: no answer with a code in it is kept for an Idempotency-Key.
    """
    if who.reach.kind != "company" or not await people.is_here(tx, "staff", employee_no):
        raise NotFound
    visit = visit_of(request, "staff")
    made = await do_issue(tx, visit.door.codes, employee_no, visit.address)
    return ActivationIssued(employee_no=employee_no, code=one_time_code.shown(made), expires_in=HAND_SECONDS)


async def do_issue(tx: database.Tx, codes: Codes, employee_no: str, address: str) -> str:
    """Closes the person's ways in, ends their sessions, and gives the code of the only way that is left."""
    await credential.clear(tx, "staff", employee_no)
    asker = codes.asker("signed_in", employee_no, "", address)
    code_id, made = await codes.make(tx, _owner(employee_no), asker)
    await refresh_token.end_others(tx, "staff", employee_no, "activation code issued")
    what = Record(action="activation.issue", noun="person", noun_id=employee_no, reason=str(code_id))
    await emit(tx, CredentialChanged(audience="staff", subject=employee_no), what)
    return made


@post(
    "/staff/activation",
    guards=[public("the activation code is the proof")],
    status_code=200,
    summary="Set password and authenticator",
)
async def activate_staff(request: HttpRequest, data: JSONBody[Activation]) -> Authenticator:
    """Takes the code and a new password, gives what the authenticator app needs; then sign in with both."""
    password, visit = check(data.password, data.employee_no), visit_of(request, "staff")
    with ExitStack() as place:
        async with visit.transaction() as tx:
            begun = await visit.attempt_from(tx, "activation", "staff", await people.employee(tx, data.employee_no))
            place.enter_context(visit.door.passwords.place(known=False))
            owner = _owner(begun.subject if begun.open else NOBODY)
            matched = await visit.door.codes.matches(tx, owner, data.code)
        hashed = await visit.door.passwords.hash(password)
        async with visit.transaction() as tx:
            if matched is not None and await one_time_code.use(tx, matched):
                await attempt.forgive(tx, begun)
                return await _do_activate(tx, visit, begun.subject, hashed)
            await attempt.fail(tx, begun)
            await visit.refused(tx, "staff", begun.subject, "activation code", "")
    raise WrongCredentials


async def _do_activate(tx: database.Tx, visit: Visit, subject: str, hashed: str) -> Authenticator:
    """Sets the password and a new authenticator, whose key is shown once."""
    secret = authenticator.new_secret()
    await credential.activate(
        tx, "staff", subject, hashed, credential.seal_totp(visit.door.fields, "staff", subject, secret)
    )
    what = Record(action="activation", noun="person", noun_id=subject, after=visit.attempt(""))
    await emit(tx, CredentialChanged(audience="staff", subject=subject), what)
    return Authenticator(authenticator.provisioning_uri(secret, subject), secret)


def _owner(employee_no: str) -> Owner:
    return Owner("activate", "staff", employee_no, "")


staff = Router("", route_handlers=[issue_activation], tags=["People"])
auth = Router("", route_handlers=[activate_staff], tags=["Sign-in"])
