"""Devices: known from the first sign-in on them; their owner, or an administrator, revokes and allows them again."""

from typing import Annotated

from litestar import Router, delete, post, put
from litestar.params import JSONBody, PathParameter, QueryParameter

from api.edge.answer import Answer, versioned
from api.edge.dependencies import Tx, Who
from api.edge.identify import may
from api.edge.reading import get
from api.edge.request import HttpRequest
from api.identity.session import Number, Reason
from identity import device, session
from identity.session import Subject
from mobile_contracts.identity.device import DEVICE_ID, Device, DeviceChange

_REVOKED = "those that were revoked, instead of those in use"
DeviceId = Annotated[str, PathParameter(min_length=1, max_length=64, pattern=DEVICE_ID)]
Revoked = Annotated[bool, QueryParameter(name="revoked", description=_REVOKED)]


@get("/devices", guards=[may("self.read")], summary="One's devices")
async def list_devices(tx: Tx, who: Who, revoked: Revoked = False) -> list[Device]:
    """The one seen last first."""
    return await device.list_own(tx, who.principal, revoked=revoked)


@put("/devices/{device_id:str}", guards=[may("self.change")], summary="Register the device that this is")
async def register_device(
    request: HttpRequest, tx: Tx, who: Who, device_id: DeviceId, data: JSONBody[DeviceChange]
) -> Answer[Device]:
    """Repeating it is safe: the last word counts. 403 for one that was revoked."""
    kept = await device.register(tx, who.principal, device_id, data, request.app.state.seals.fields)
    return versioned(kept, kept.version)


@delete("/devices/{device_id:str}", guards=[may("self.change")], summary="Revoke a device")
async def revoke_device(tx: Tx, who: Who, device_id: DeviceId) -> None:
    """Ends the sessions on it, and open sockets with them; nobody signs in on it until it is allowed again."""
    await device.revoke(tx, who.principal, device_id)


@post(
    "/devices/{device_id:str}/allow",
    guards=[may("self.change")],
    opt={"once": True},
    status_code=200,
    summary="Allow a device again",
)
async def allow_device(tx: Tx, who: Who, device_id: DeviceId) -> Answer[Device]:
    """From another device: one can sign in on it again."""
    allowed = await device.allow(tx, who.principal, device_id, who.principal.device_id)
    return versioned(allowed, allowed.version)


@get("/people/{employee_no:str}/devices", guards=[may("session.read")], summary="Devices of an employee")
async def list_of_employee(tx: Tx, who: Who, employee_no: Number, revoked: Revoked = False) -> list[Device]:
    """The one seen last first."""
    whose = Subject("staff", employee_no)
    await session.check_subject(tx, who, whose)
    return await device.list_own(tx, whose, revoked=revoked)


@delete(
    "/people/{employee_no:str}/devices/{device_id:str}",
    guards=[may("session.end")],
    summary="Revoke a device of an employee",
)
async def revoke_of_employee(tx: Tx, who: Who, employee_no: Number, device_id: DeviceId, reason: Reason) -> None:
    """Ends the sessions on it, and open sockets with them; nobody signs in on it until it is allowed again."""
    whose = Subject("staff", employee_no)
    await session.check_subject(tx, who, whose)
    await device.revoke(tx, whose, device_id, reason)


@post(
    "/people/{employee_no:str}/devices/{device_id:str}/allow",
    guards=[may("session.end")],
    opt={"once": True},
    status_code=200,
    summary="Allow a device of an employee again",
)
async def allow_of_employee(
    tx: Tx, who: Who, employee_no: Number, device_id: DeviceId, reason: Reason
) -> Answer[Device]:
    """The employee can sign in on it again."""
    whose = Subject("staff", employee_no)
    await session.check_subject(tx, who, whose)
    allowed = await device.allow(tx, whose, device_id, "", reason)
    return versioned(allowed, allowed.version)


@get("/customers/{customer_no:str}/devices", guards=[may("session.read")], summary="Devices of an investor")
async def list_of_investor(tx: Tx, who: Who, customer_no: Number, revoked: Revoked = False) -> list[Device]:
    """The one seen last first."""
    whose = Subject("investor", customer_no)
    await session.check_subject(tx, who, whose)
    return await device.list_own(tx, whose, revoked=revoked)


@delete(
    "/customers/{customer_no:str}/devices/{device_id:str}",
    guards=[may("session.end")],
    summary="Revoke a device of an investor",
)
async def revoke_of_investor(tx: Tx, who: Who, customer_no: Number, device_id: DeviceId, reason: Reason) -> None:
    """Ends the sessions on it, and open sockets with them; nobody signs in on it until it is allowed again."""
    whose = Subject("investor", customer_no)
    await session.check_subject(tx, who, whose)
    await device.revoke(tx, whose, device_id, reason)


@post(
    "/customers/{customer_no:str}/devices/{device_id:str}/allow",
    guards=[may("session.end")],
    opt={"once": True},
    status_code=200,
    summary="Allow a device of an investor again",
)
async def allow_of_investor(
    tx: Tx, who: Who, customer_no: Number, device_id: DeviceId, reason: Reason
) -> Answer[Device]:
    """The investor can sign in on it again."""
    whose = Subject("investor", customer_no)
    await session.check_subject(tx, who, whose)
    allowed = await device.allow(tx, whose, device_id, "", reason)
    return versioned(allowed, allowed.version)


OWN = [list_devices, register_device, revoke_device, allow_device]
staff = Router(
    "",
    route_handlers=[
        *OWN, list_of_employee, revoke_of_employee, allow_of_employee, list_of_investor, revoke_of_investor,
        allow_of_investor,
    ],
    tags=["Devices"],
)  # fmt: skip
investor = Router("", route_handlers=OWN, tags=["Devices"])
