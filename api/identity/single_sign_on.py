"""Single sign-on for staff: to the provider with a state that is bound to the device, and back with its code."""

from litestar import Router, post
from litestar.params import JSONBody

from api.edge.identify import public
from api.edge.request import HttpRequest
from api.edge.visit import visit_of
from identity import attempt, people, refresh_token, single_sign_on
from identity.attempt import Attempt, Origin
from identity.door import NOBODY, Visit
from identity.provider import Provider
from kernel.errors import DeviceRevoked, HexadError, NotFound, WrongCredentials
from kernel.store.database import Tx
from mobile_contracts.identity.sign_in import SignedIn, SingleSignOn, SingleSignOnFinish, SingleSignOnStart

_WHY = "whoever signs in has no token yet"


@post("/oidc/start", guards=[public(_WHY)], status_code=200, summary="Begin single sign-on")
async def start_single_sign_on(request: HttpRequest, data: JSONBody[SingleSignOnStart]) -> SingleSignOn:
    """The address at the provider, good for ten minutes on this device; 404 where single sign-on is not offered."""
    visit = visit_of(request, "staff")
    provider = _offered(visit)
    state, begun = single_sign_on.new()
    url = await provider.address(state, begun.nonce, begun.verifier)
    async with visit.transaction() as tx:
        await attempt.fail(tx, await _count(tx, visit, data.device_id))  # until it is finished
        await single_sign_on.start(tx, visit.door.fields, data.device_id, state, begun)
    return SingleSignOn(url)


@post("/oidc/finish", guards=[public(_WHY)], status_code=200, summary="Finish single sign-on")
async def finish_single_sign_on(request: HttpRequest, data: JSONBody[SingleSignOnFinish]) -> SignedIn:
    """Signs in whom the provider names; a state is good once, on the device that began. 403 for a revoked device."""
    visit = visit_of(request, "staff")
    provider = _offered(visit)
    async with visit.transaction() as tx:
        counted = await _count(tx, visit, data.device.device_id)
        begun = await single_sign_on.take(tx, visit.door.fields, data.device.device_id, data.state)
    employee_no, why = NOBODY, "state" if begun is None else "provider"
    if begun is not None:
        try:
            employee_no = await provider.person(data.code, begun.verifier, begun.nonce)
        except WrongCredentials:
            begun = None
    error: type[HexadError] = WrongCredentials
    async with visit.transaction() as tx:
        known = await people.employee(tx, employee_no)
        if begun is not None and known is not None:
            await attempt.forgive(tx, counted)
            await attempt.forgive_one(tx, counted)
            if entered := await refresh_token.begin(tx, visit, "staff", known.subject, data.device, "single sign-on"):
                return entered
            error = DeviceRevoked
        else:
            await attempt.fail(tx, counted)
            await visit.refused(tx, "staff", NOBODY, why if begun is None else "nobody here", data.device)
    raise error


async def _count(tx: Tx, visit: Visit, device_id: str) -> Attempt:
    """Counts an attempt, on a device of staff by itself: whoever else is at the address does not keep them out."""
    known = await people.works_on(tx, device_id)
    origin = Origin("single_sign_on", f"device {device_id}" if known else visit.address)
    return await attempt.begin(tx, origin, "staff", NOBODY, visit.door.settings.sign_in_attempts)


def _offered(visit: Visit) -> Provider:
    if visit.door.provider is None:
        raise NotFound
    return visit.door.provider


auth = Router("", route_handlers=[start_single_sign_on, finish_single_sign_on], tags=["Sign-in"])
