"""Single sign-on for staff: to the provider with a state that is bound to the device, and back with its code."""

import hashlib
import secrets
from pathlib import Path
from typing import Any

from litestar import Router, post
from litestar.params import JSONBody
from msgspec import Struct

from api.edge.identify import public
from api.edge.request import HttpRequest
from api.edge.visit import visit_of
from identity import attempt, refresh_token, subject
from identity.attempt import Attempt, Origin
from identity.door import NOBODY, Visit
from identity.provider import Provider
from kernel.errors import DeviceRevoked, HexadError, NotFound, WrongCredentials
from kernel.security.crypto import Place
from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.identity.sign_in import SignedIn, SingleSignOn, SingleSignOnFinish, SingleSignOnStart

_SECONDS = 600.0
_BYTES = 32
_sql = load(Path(__file__).with_name("single_sign_on.sql"))
_WHY = "whoever signs in has no token yet"


class _UnderWay(Struct, frozen=True):
    nonce: str
    verifier: str


@post("/oidc/start", guards=[public(_WHY)], status_code=200, summary="Begin single sign-on")
async def start_single_sign_on(request: HttpRequest, data: JSONBody[SingleSignOnStart]) -> SingleSignOn:
    """The address at the provider, good for ten minutes on this device; 404 where single sign-on is not offered."""
    visit = visit_of(request, "staff")
    provider = _offered(visit)
    state, nonce, verifier = (secrets.token_urlsafe(_BYTES) for _ in range(3))
    url = await provider.address(state, nonce, verifier)
    async with visit.transaction() as tx:
        await attempt.fail(tx, await _count(tx, visit, data.device_id))  # until it is finished
        await _sql.start(tx, state=_digest(state), nonce=nonce, device_id=data.device_id, seconds=_SECONDS,
                         verifier=visit.door.fields.seal(verifier, _place(state)))  # fmt: skip
    return SingleSignOn(url)


@post("/oidc/finish", guards=[public(_WHY)], status_code=200, summary="Finish single sign-on")
async def finish_single_sign_on(request: HttpRequest, data: JSONBody[SingleSignOnFinish]) -> SignedIn:
    """Signs in whom the provider names; a state is good once, on the device that began. 403 for a revoked device."""
    visit = visit_of(request, "staff")
    provider = _offered(visit)
    async with visit.transaction() as tx:
        counted = await _count(tx, visit, data.device.device_id)
        begun = await _take(tx, visit, data)
    employee_no, why = NOBODY, "state" if begun is None else "provider"
    if begun is not None:
        try:
            employee_no = await provider.person(data.code, begun.verifier, begun.nonce)
        except WrongCredentials:
            begun = None
    error: type[HexadError] = WrongCredentials
    async with visit.transaction() as tx:
        known = await subject.employee(tx, employee_no)
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
    known = await subject.works_on(tx, device_id)
    origin = Origin("single_sign_on", f"device {device_id}" if known else visit.address)
    return await attempt.begin(tx, origin, "staff", NOBODY, visit.door.settings.sign_in_attempts)


async def _take(tx: Tx, visit: Visit, data: SingleSignOnFinish) -> _UnderWay | None:
    """What was begun with this state on this device and is not too old; whatever it is, it is gone now."""
    row: Any = await _sql.take(tx, state=_digest(data.state))
    if row is None or not row["in_time"] or row["device_id"] != data.device.device_id:
        return None
    return _UnderWay(row["nonce"], visit.door.fields.open(row["verifier"], _place(data.state)))


def _offered(visit: Visit) -> Provider:
    if visit.door.provider is None:
        raise NotFound
    return visit.door.provider


def _digest(state: str) -> bytes:
    return hashlib.sha256(state.encode()).digest()


def _place(state: str) -> Place:
    return Place("oidc_request", "verifier", _digest(state).hex())


auth = Router("", route_handlers=[start_single_sign_on, finish_single_sign_on], tags=["Sign-in"])
