"""The public key of access tokens, for gateways and partners who verify them."""

from litestar import Router, get

from api.edge.identify import public
from api.edge.request import HttpRequest
from mobile_contracts.identity.key import Key, Keys


@get("/keys", guards=[public("public keys are public")], summary="Public keys of access tokens")
async def list_keys(request: HttpRequest) -> Keys:
    """The keys as a JSON Web Key Set (RFC 7517)."""
    return Keys([Key(**request.app.state.tokens.public_key)])


auth = Router("", route_handlers=[list_keys], tags=["Keys"])
