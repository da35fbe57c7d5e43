"""Routes that read: their queries need no transaction, so that nothing has to be begun and ended for them."""

from typing import Any, cast

from litestar.connection import ASGIConnection
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler

from api.edge.dependencies import Who
from api.edge.identify import Guard
from api.edge.request import HttpRequest
from kernel.security.scope import Reads


def provide_reads(request: HttpRequest, who: Who) -> Reads:
    """Queries under the scope of who asks, each a transaction of its own that cannot write."""
    return Reads(request.app.state.database, who)


class get(HTTPRouteHandler):  # noqa: N801  # it stands where the framework's own would
    """A GET whose `tx` are `Reads`."""

    def __init__(self, path: str, **given: Any) -> None:
        reads = Provide(provide_reads, sync_to_thread=False)
        super().__init__(path, http_method="GET", dependencies={"tx": reads}, **given)

    async def authorize_connection(self, connection: ASGIConnection[Any, Any, Any, Any]) -> None:
        """Asks the guards; they change nothing here, so this is not copied for each of them."""
        for guard in self.resolve_guards():
            await cast("Guard", guard)(connection, self)
