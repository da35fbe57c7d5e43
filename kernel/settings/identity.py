"""Who is let in, and for how long."""

from typing import Annotated

from kernel.settings.meaning import says
from kernel.settings.running import Running


class Identity(Running, frozen=True, kw_only=True):
    """Who is let in, and for how long."""

    token_key: Annotated[str, says("Ed25519 key that signs access tokens, base64 of 32 bytes", secret=True)] = ""
    token_seconds: Annotated[int, says("life of an access token", ge=30, le=3600)] = 600
    session_seconds: Annotated[
        int, says("longest session, however often its refresh token is used", ge=600, le=31_536_000)
    ] = 7_776_000
    refresh_seconds: Annotated[int, says("life of a refresh token", ge=600, le=31_536_000)] = 2_592_000
    sign_in_attempts: Annotated[
        int, says("sign-ins per address and 10 minutes that did not succeed; more get 429", ge=5, le=1_000_000)
    ] = 200
    sms_codes: Annotated[
        int,
        says(
            "codes by SMS per hour, for strangers, known devices and the signed in each; more get 429",
            ge=1,
            le=10_000_000,
        ),
    ] = 20_000
    oidc_issuer: Annotated[str, says("OpenID provider for single sign-on of staff, https://…; empty: not offered")] = ""
    oidc_client_id: Annotated[str, says("our name at the OpenID provider")] = ""
    oidc_client_secret: Annotated[
        str, says("our secret at the OpenID provider; empty: a public client", secret=True)
    ] = ""
    oidc_claim: Annotated[str, says("claim of the ID token that holds the employee number", min_length=1)] = (
        "employee_no"
    )
    oidc_redirect_uri: Annotated[str, says("address of the app to which the OpenID provider sends people back")] = ""
    reveal_quota: Annotated[int, says("masked fields that one employee may see in full in a day", ge=0, le=10_000)] = 50
