"""Who comes to sign in: the visit of a request, made of its address, its id, and what this process keeps for it."""

from typing import Any

from api.edge.headers import request_id
from identity.door import Visit
from kernel.errors import NotFound
from kernel.process.address import household
from kernel.security.scope import Audience


def visit_of(request: Any, audience: Audience | None = None) -> Visit:
    """The visit of an HTTP request; addresses are counted by household.

    Raises `NotFound` on a host that does not serve the audience.
    """
    state, client = request.app.state, str(request.scope.get("hexad_client", ""))
    if audience is not None and audience not in state.door.audiences:
        raise NotFound
    return Visit(state.door, state.database, household(client), request_id(request.scope))
