"""Devices: the app registers the one it runs on; their owner lists and revokes them."""

from typing import Annotated

from litestar import Router, delete, get, put
from litestar.params import JSONBody, PathParameter

from api.edge.answer import Answer, versioned
from api.edge.identify import may
from api.edge.request import HttpRequest
from api.given import Tx, Who
from mobile_contracts.device import Device, DeviceChange
from notifications import device

DeviceId = Annotated[str, PathParameter(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._:-]+$")]


@get("/devices", guards=[may("self.read")], summary="One's devices")
async def list_devices(tx: Tx, who: Who) -> list[Device]:
    """The one seen last first."""
    return await device.list_own(tx, who.principal)


@put("/devices/{device_id:str}", guards=[may("self.change")], summary="Register the device that this is")
async def register_device(
    request: HttpRequest, tx: Tx, who: Who, device_id: DeviceId, data: JSONBody[DeviceChange]
) -> Answer[Device]:
    """Repeating it is safe: the last word counts."""
    kept = await device.register(tx, who.principal, device_id, data, request.app.state.seals.fields)
    return versioned(kept, kept.version)


@delete("/devices/{device_id:str}", guards=[may("self.change")], summary="Revoke a device")
async def revoke_device(tx: Tx, who: Who, device_id: DeviceId) -> None:
    """Ends the sessions on it, and open sockets with them."""
    await device.revoke(tx, who.principal, device_id)


ROUTES = [list_devices, register_device, revoke_device]
staff = Router("", route_handlers=ROUTES, tags=["Devices"])
investor = Router("", route_handlers=ROUTES, tags=["Devices"])
