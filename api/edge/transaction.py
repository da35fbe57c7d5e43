"""One request, one transaction: opened with the scope set on it, committed at the edge before the answer is sent.

It is the only connection that a request holds. Whoever holds one and waits for a second of the same pool waits for
others who do the same.
"""

import contextlib
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from typing import Any

from api.edge.dependencies import Who
from api.edge.idempotency import Once
from api.edge.request import HttpRequest
from kernel.errors import HexadError
from kernel.security import scope
from kernel.store.database import Database, Tx


async def provide_tx(request: HttpRequest, who: Who) -> AsyncGenerator[Tx, None]:
    """The transaction of the request.

    With `opt={"once": True}` it takes effect once per Idempotency-Key. With `opt={"keeps": True}` what the route wrote
    before it refused stays written: a decision, a try of a code.
    """
    database: Database = request.app.state.database
    opt = request.route_handler.opt
    once = await Once.of(request, who) if opt.get("once") else None
    refusal: HexadError | None = None
    async with database.transaction() as tx:
        await scope.apply(tx, who)
        if once is None and not opt.get("keeps"):
            yield tx
            return
        if once is not None:
            await once.enter(tx)
        try:
            async with _effect(tx, keeps=bool(opt.get("keeps"))):
                yield tx
        except HexadError as error:
            if once is not None:
                await once.remember_refusal(tx, request, error)
            refusal = error
        else:
            if once is not None:
                await once.remember(tx, request.scope["hexad_answer"])  # type: ignore[typeddict-item]
    if refusal is not None:
        raise refusal


def _effect(tx: Tx, *, keeps: bool) -> AbstractAsyncContextManager[Any]:
    """What a refusal rolls back: everything that the route wrote, or nothing."""
    within: AbstractAsyncContextManager[Any] = contextlib.nullcontext() if keeps else tx.transaction()
    return within
