"""New tokens for a refresh token, and signing out."""

from litestar import Router, post
from litestar.params import JSONBody

from api.edge.identify import public
from api.edge.limits import Crowd
from api.edge.request import HttpRequest
from api.edge.visit import visit_of
from identity import refresh_token
from identity.door import Visit
from kernel.errors import HexadError
from mobile_contracts.identity.sign_in import Refresh, SignedIn, SignOut


@post("/refresh", guards=[public("the refresh token is the proof")], status_code=200, summary="New tokens")
async def refresh_tokens(request: HttpRequest, data: JSONBody[Refresh]) -> SignedIn:
    """Rotates the refresh token: it is good once.

    Where the answer was lost, the same token on the same device gets the same tokens again, for 60 seconds and while
    these are unused. 401 `token_reused` for any other reuse, which ends the session; `session_ended`, `token_expired`,
    or `wrong_credentials` for a token that is not known (any more).
    """
    visit = visit_of(request)
    _admit(request, visit, data.refresh_token)
    async with visit.transaction() as tx:
        renewed = await refresh_token.renew(tx, visit, data.refresh_token, data.device_id)
    if isinstance(renewed, HexadError):
        raise renewed
    return renewed


@post("/sign-out", guards=[public("the refresh token is the proof")], status_code=204, summary="Sign out")
async def sign_out(request: HttpRequest, data: JSONBody[SignOut]) -> None:
    """Ends the session; nothing is said about a token that is not known."""
    visit = visit_of(request)
    _admit(request, visit, data.refresh_token)
    async with visit.transaction() as tx:
        await refresh_token.leave(tx, visit, data.refresh_token)


def _admit(request: HttpRequest, visit: Visit, token: str) -> None:
    """Lets the owner of a token in from an address that asks too often, as often as a session may ask."""
    crowd: Crowd | None = request.scope.get("hexad_crowd")  # type: ignore[assignment]
    if crowd is not None:
        crowd.admit(visit.door.successors.session(token))


auth = Router("", route_handlers=[refresh_tokens, sign_out], tags=["Sign-in"])
