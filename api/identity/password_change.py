"""A new password of somebody who is signed in; their sessions on other devices end."""

from uuid import UUID

from litestar import Router, put
from litestar.params import JSONBody

from api.edge.dependencies import Who
from api.edge.identify import may
from api.edge.request import HttpRequest
from api.edge.visit import visit_of
from identity import attempt, credential, one_time_code, refresh_token
from identity.attempt import Attempt, Origin
from identity.door import Visit
from identity.one_time_code import Owner
from identity.password import check
from kernel.errors import FieldError, InvalidInput
from kernel.events.outbox import Record, emit, record
from kernel.security import scope
from kernel.security.scope import Scope
from mobile_contracts.event import CredentialChanged
from mobile_contracts.identity.sign_in import InvestorPasswordChange, PasswordChange


@put("/password", guards=[may("self.change")], status_code=204, summary="Change your password")
async def change_staff_password(request: HttpRequest, who: Who, data: JSONBody[PasswordChange]) -> None:
    """By the old password; a wrong one counts towards the lock-out."""
    password = check(data.password, who.principal.subject)
    await _by_old_password(visit_of(request), who, data.old_password, password)


@put("/password", guards=[may("self.change")], status_code=204, summary="Set or change your password")
async def change_investor_password(request: HttpRequest, who: Who, data: JSONBody[InvestorPasswordChange]) -> None:
    """By the old password, or where there is none by a code that was asked for with the purpose `password`."""
    if (data.old_password is None) == (data.code is None):
        raise InvalidInput("give either old_password or code", "old_password 与 code 须且只能提供一个")
    password, visit = check(data.password, who.principal.subject), visit_of(request)
    if data.old_password is not None:
        await _by_old_password(visit, who, data.old_password, password)
    elif data.code is not None:
        await _by_code(visit, who, data.code, password)


async def _by_old_password(visit: Visit, who: Scope, old: str, password: str) -> None:
    principal, most = who.principal, visit.door.settings.sign_in_attempts
    origin = Origin.of("password", visit.address, principal.device_id, known=True)
    with visit.door.passwords.place(known=True):
        async with visit.database.transaction() as tx:
            await scope.apply(tx, who)
            begun = await attempt.begin(tx, origin, principal.audience, principal.subject, most)
            before = (await credential.find(tx, principal.audience, principal.subject)).password if begun.open else None
        right = await visit.door.passwords.verify(before, old)
        if not right or not await _do_set(visit, who, before, password):
            await _refuse(visit, who, "old_password", begun)


async def _by_code(visit: Visit, who: Scope, given: str, password: str) -> None:
    """The code is used up with the change that it was for."""
    principal = who.principal
    owner = Owner("password", principal.audience, principal.subject, principal.device_id)
    with visit.door.passwords.place(known=True):
        async with visit.database.transaction() as tx:
            await scope.apply(tx, who)
            known = await credential.find(tx, principal.audience, principal.subject)
            matched = await visit.door.codes.matches(tx, owner, given)
        right = known.password is None and matched is not None
        if not right or not await _do_set(visit, who, None, password, matched):
            await _refuse(visit, who, "code")


async def _do_set(
    visit: Visit, who: Scope, before: str | None, password: str, code_id: UUID | None = None
) -> bool:  # fmt: skip
    """Sets the password unless the one before was changed, or the code used up, meanwhile."""
    principal, hashed = who.principal, await visit.door.passwords.hash(password)
    async with visit.database.transaction() as tx:
        await scope.apply(tx, who)
        if code_id is not None and not await one_time_code.use(tx, code_id):
            return False
        if not await credential.set_password(tx, principal.audience, principal.subject, before, hashed):
            return False
        await refresh_token.end_others(
            tx, principal.audience, principal.subject, "password changed", keep=principal.session_id
        )
        what = Record(action="password.change", noun="credential", noun_id=principal.name)
        await emit(tx, CredentialChanged(audience=principal.audience, subject=principal.subject), what)
    return True


async def _refuse(visit: Visit, who: Scope, field: str, begun: Attempt | None = None) -> None:
    """Keeps the failure in the audit log, counts an attempt as wrong, and raises `InvalidInput`."""
    async with visit.database.transaction() as tx:
        await scope.apply(tx, who)
        if begun is not None:
            await attempt.fail(tx, begun)
        what = Record(action="password.refused", noun="credential", noun_id=who.principal.name, reason=field)
        await record(tx, what)
    raise InvalidInput(errors=[FieldError(field, "it is not right, or not in force just now", "不正确或暂时不可用")])


staff = Router("", route_handlers=[change_staff_password], tags=["Me"])
investor = Router("", route_handlers=[change_investor_password], tags=["Me"])
