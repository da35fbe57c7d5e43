"""A forgotten password (忘记密码): an investor sets a new one with a code by SMS, and is signed out everywhere."""

from contextlib import ExitStack

from litestar import Router, post
from litestar.params import JSONBody

from api.edge.identify import public
from api.edge.request import HttpRequest
from api.edge.visit import visit_of
from identity import attempt, credential, one_time_code, people, refresh_token
from identity.attempt import Attempt
from identity.door import NOBODY, Visit
from identity.one_time_code import Owner
from identity.password import check
from kernel.errors import WrongCredentials
from kernel.events.outbox import Record, emit
from kernel.store.database import Tx
from mobile_contracts.event import CredentialChanged
from mobile_contracts.identity.sign_in import PasswordReset


@post(
    "/investor/password",
    guards=[public("the code by SMS is the proof")],
    status_code=204,
    summary="Set a new password instead of a forgotten one",
)
async def reset_password(request: HttpRequest, data: JSONBody[PasswordReset]) -> None:
    """Takes a code that was asked for on this device with the purpose `password`; ends every session, and unlocks.

    401 says no more than that it was refused.
    """
    password, visit = check(data.password, data.login), visit_of(request, "investor")
    with ExitStack() as place:
        async with visit.transaction() as tx:
            person = await people.customer(tx, visit.door.index, data.login)
            known = await people.knows(tx, "investor", person, data.device_id)
            begun = await visit.attempt_from(tx, "code", "investor", person, data.device_id, known=known)
            place.enter_context(visit.door.passwords.place(known=known))
            owner = Owner("password", "investor", begun.subject if begun.open else NOBODY, data.device_id)
            matched = await visit.door.codes.matches(tx, owner, data.code)
        if matched is not None:
            check(password, begun.subject)
        hashed = await visit.door.passwords.hash(password)
        async with visit.transaction() as tx:
            if (
                matched is not None
                and await one_time_code.use(tx, matched)
                and await _do_set(tx, visit, begun, hashed, data)
            ):
                return
            await attempt.fail(tx, begun)
            await visit.refused(tx, "investor", begun.subject, "password code", data.device_id)
    raise WrongCredentials


async def _do_set(tx: Tx, visit: Visit, begun: Attempt, hashed: str, data: PasswordReset) -> bool:
    """Sets the password, whatever it was; false when it was changed this very moment."""
    subject = begun.subject
    before = await credential.find(tx, "investor", subject)
    if not await credential.set_password(tx, "investor", subject, before.password, hashed):
        return False
    await attempt.forgive(tx, begun)
    await refresh_token.end_others(tx, "investor", subject, "password reset")
    what = Record(
        action="password.reset", noun="credential", noun_id=f"investor:{subject}", after=visit.attempt(data.device_id)
    )
    await emit(tx, CredentialChanged(audience="investor", subject=subject), what)
    return True


auth = Router("", route_handlers=[reset_password], tags=["Sign-in"])
