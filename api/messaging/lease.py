"""Text messages for gateways that pull: taken on a lease, acknowledged when they were taken over."""

import contextlib
import uuid
from collections.abc import AsyncIterator

from litestar import Router, post
from litestar.params import JSONBody

from api.edge.dependencies import Tx, Who
from api.edge.request import HttpRequest
from api.edge.signed import DEPENDENCIES, Gateway, signed
from kernel.errors import NotAllowed
from kernel.queues.broker import open_queues
from kernel.queues.client import id_of
from kernel.security import scope
from kernel.store.database import Database
from mobile_contracts.messaging.gateway import Acknowledgement, Lease, LeaseRequest, Result, Results
from notifications.gateway import lease, signature
from notifications.receipt import receipt

_NOT_HELD = "not_held"


@post("/sms/lease", guards=[signed()], status_code=200, summary="Take text messages on a lease")
async def lease_messages(request: HttpRequest, who: Who, gateway: Gateway, data: JSONBody[LeaseRequest]) -> Lease:
    """Gives up to `max` messages for `seconds`; those that are not acknowledged by then come again, to anybody.

    403 for a purpose that this gateway may not have.
    """
    if data.purpose not in gateway.purposes:
        raise NotAllowed(f"purpose {data.purpose}", f"用途 {data.purpose}")
    wanted, lease_id = lease.Wanted(gateway.name, data.purpose, data.max, data.seconds), uuid.uuid4()
    state, used = request.app.state, request.scope["hexad_signature"]  # type: ignore[typeddict-item]
    async with open_queues(state.settings, prefetch=data.max) as queues:  # what it holds besides goes back at its end
        async with _transaction(state.database, who) as tx:
            await signature.use(tx, gateway.name, used)  # first, so that whoever repeats it takes nothing
        try:
            taken = await lease.take(queues, wanted)
            lost = {found for delivery, _ in taken.unreadable if (found := id_of(delivery.body)) is not None}
            async with _transaction(state.database, who) as tx:
                held = await lease.hold(tx, state.door.fields, wanted, lease_id, [sms for _, sms in taken.messages])
                await receipt.refuse(tx, state.seals, "sms", lost, receipt.UNSENDABLE)
        except Exception:
            async with _transaction(state.database, who) as tx:
                await signature.give_back(tx, used)
            raise
        await queues.acknowledge([delivery for delivery, _ in taken.messages])
        for delivery, why in taken.unreadable:
            await queues.refuse([delivery], why)
    return Lease(lease_id, held)


@contextlib.asynccontextmanager
async def _transaction(database: Database, who: scope.Scope) -> AsyncIterator[Tx]:
    """A short one in the scope of the gateway: none is open while the broker answers."""
    async with database.transaction() as tx:
        await scope.apply(tx, who)
        yield tx


@post("/sms/ack", guards=[signed()], status_code=200, summary="Acknowledge text messages of a lease")
async def acknowledge_messages(tx: Tx, gateway: Gateway, data: JSONBody[Acknowledgement]) -> Results:
    """Says that these were taken over, again if need be; `code` is `not_held` for what is not in this lease now."""
    settled = await lease.settle(tx, gateway.name, data.lease, data.ids)
    return Results(
        [Result(str(one), ok=one in settled, code=None if one in settled else _NOT_HELD) for one in data.ids]
    )


gateway = Router(
    "", route_handlers=[lease_messages, acknowledge_messages], dependencies=DEPENDENCIES, tags=["Gateways"]
)
