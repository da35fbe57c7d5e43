"""One request, one transaction: opened with the scope set on it, committed at the edge before the answer is sent."""

from collections.abc import AsyncGenerator

from api.edge.idempotency import Once
from api.edge.request import HttpRequest
from api.given import Who
from kernel import scope
from kernel.database import Database, Tx
from kernel.errors import HexadError


async def provide_tx(request: HttpRequest, who: Who) -> AsyncGenerator[Tx, None]:
    """The transaction of the request; with `opt={"once": True}` it takes effect once per Idempotency-Key."""
    database: Database = request.app.state.database
    once = await Once.of(request, who) if request.route_handler.opt.get("once") else None
    refusal: HexadError | None = None
    async with database.transaction() as tx:
        await scope.apply(tx, who)
        if once is None:
            yield tx
            return
        await once.enter(tx)
        try:
            async with tx.transaction():
                yield tx
        except HexadError as error:
            await once.remember_refusal(tx, request, error)
            refusal = error
        else:
            await once.remember(tx, request.scope["hexad_answer"])  # type: ignore[typeddict-item]
    if refusal is not None:
        raise refusal
