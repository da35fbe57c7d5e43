"""The OpenID provider (单点登录) as its client sees it: discovery, token exchange, ID tokens verified to the letter.

Authorization code with PKCE (S256), state and nonce. Every call ends in time, every answer is bounded, no redirect is
followed, and a token's algorithm must be one of ours and fit the key.
"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import ssl
import time
from typing import Any
from urllib.parse import urlencode

import httpx2
import jwt

from kernel.errors import Unavailable, WrongCredentials
from kernel.settings import Settings
from kernel.store import outside
from kernel.telemetry import logs

CALL_SECONDS = 5.0
ANSWER_AT_MOST = 256 << 10
_KNOWN_SECONDS = 600.0
_AGAIN_SECONDS = 30.0
_LEEWAY_SECONDS = 30
_OLDEST_SECONDS = 600
_ALGORITHMS = {"RS256": "RSA", "RS384": "RSA", "RS512": "RSA", "PS256": "RSA", "PS384": "RSA", "PS512": "RSA",
               "ES256": "EC", "ES384": "EC", "ES512": "EC", "EdDSA": "OKP"}  # fmt: skip
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_log = logs.logger(__name__)
Json = dict[str, Any]


class Provider:
    """One provider; its description and keys are remembered for ten minutes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._issuer = settings.oidc_issuer
        self._client = httpx2.AsyncClient(
            timeout=CALL_SECONDS, follow_redirects=False, trust_env=False, verify=ssl.create_default_context(),
            limits=httpx2.Limits(max_connections=10), headers={"Accept-Encoding": "identity"},
        )  # fmt: skip
        self._described: tuple[float, Json] | None = None
        self._keys: tuple[float, list[Json]] | None = None

    async def address(self, state: str, nonce: str, verifier: str) -> str:
        """Where the browser signs in; raises `Unavailable` when the provider does not describe itself."""
        described = await self._description()
        query = {
            "response_type": "code",
            "scope": "openid profile",
            "client_id": self._settings.oidc_client_id,
            "redirect_uri": self._settings.oidc_redirect_uri,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge(verifier),
            "code_challenge_method": "S256",
        }
        address = str(described["authorization_endpoint"])
        return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"

    async def person(self, code: str, verifier: str, nonce: str) -> str:
        """The value of the configured claim for a code; raises `WrongCredentials` or `Unavailable`."""
        claims = await self._verified(await self._exchanged(code, verifier), nonce)
        found = claims.get(self._settings.oidc_claim)
        if not isinstance(found, str) or not 0 < len(found) <= 64:
            raise WrongCredentials
        return found

    async def close(self) -> None:
        """Closes its connections."""
        await self._client.aclose()

    async def _exchanged(self, code: str, verifier: str) -> str:
        described = await self._description()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._settings.oidc_redirect_uri,
            "code_verifier": verifier,
        }
        client, secret, basic = self._settings.oidc_client_id, self._settings.oidc_client_secret, None
        if secret and "client_secret_basic" in described.get("token_endpoint_auth_methods_supported", _BASIC):
            basic = httpx2.BasicAuth(_quoted(client), _quoted(secret))
        else:
            form |= {"client_id": client} | ({"client_secret": secret} if secret else {})
        status, body = await self._call("POST", described["token_endpoint"], form, basic)
        if 400 <= status < 500:
            _log.warning("the OpenID provider refused a code", status=status)
            raise WrongCredentials
        token = _object(status, body).get("id_token")
        if not isinstance(token, str):
            raise WrongCredentials
        return token

    async def _verified(self, token: str, nonce: str) -> Json:
        """The claims of an ID token (OpenID Connect Core, 3.1.3.7)."""
        try:
            key = await self._key(jwt.get_unverified_header(token))
            claims: Json = jwt.decode(
                token,
                key,
                algorithms=list(_ALGORITHMS),
                audience=self._settings.oidc_client_id,
                issuer=self._issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "aud", "iss", "sub", "nonce"]},
            )
            parties = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
            party = claims.get("azp", parties[0] if len(parties) == 1 else None)
            fresh = float(claims["iat"]) > time.time() - _OLDEST_SECONDS
            same = hmac.compare_digest(str(claims["nonce"]).encode(), nonce.encode())
        except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            _log.warning("an ID token was refused", error=type(error).__name__)
            raise WrongCredentials from error
        if not (same and fresh and party == self._settings.oidc_client_id):
            _log.warning("an ID token was refused", error="nonce, age or authorized party")
            raise WrongCredentials
        return claims

    async def _key(self, header: Json) -> jwt.PyJWK:
        """The provider's key that a token names, asked for anew when it is not known, but not too often."""
        algorithm = header.get("alg")
        kind = _ALGORITHMS.get(algorithm) if isinstance(algorithm, str) else None
        if kind is None or not isinstance(algorithm, str):
            raise jwt.InvalidAlgorithmError("not one of the algorithms that are allowed")
        wanted = (kind, "sig", algorithm)
        for anew in (False, True):
            for one in await self._key_set(anew=anew):
                named = header.get("kid") in (None, one.get("kid"))
                if named and (one.get("kty"), one.get("use", "sig"), one.get("alg", algorithm)) == wanted:
                    return jwt.PyJWK(one, algorithm)
        raise jwt.InvalidKeyError("no key of the provider's fits")

    async def _key_set(self, *, anew: bool) -> list[Json]:
        known, now = self._keys, time.monotonic()
        if known and now - known[0] < (_AGAIN_SECONDS if anew else _KNOWN_SECONDS):
            return known[1]
        described = await self._description()
        keys = _object(*await self._call("GET", described["jwks_uri"])).get("keys")
        found = [one for one in keys if isinstance(one, dict)] if isinstance(keys, list) else []
        self._keys = (now, found)
        return found

    async def _description(self) -> Json:
        known, now = self._described, time.monotonic()
        if known and now - known[0] < _KNOWN_SECONDS:
            return known[1]
        address = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        described = _object(*await self._call("GET", address))
        if described.get("issuer") != self._issuer:
            raise Unavailable("the OpenID provider calls itself by another name than HEXAD_OIDC_ISSUER")
        scheme = "https://" if self._issuer.startswith("https://") else "http"
        if not all(str(described.get(name, "")).startswith(scheme) for name in _ENDPOINTS):
            raise Unavailable("the OpenID provider names no endpoints that are safe to use")
        self._described = (now, described)
        return described

    async def _call(
        self, method: str, address: str, form: dict[str, str] | None = None, basic: httpx2.BasicAuth | None = None
    ) -> tuple[int, bytes]:
        """Status and body; raises `Unavailable` for what is away, slow, too large or a redirect."""
        outside.call("the OpenID provider")
        body = bytearray()
        try:
            async with asyncio.timeout(2 * CALL_SECONDS):
                auth = basic or httpx2.USE_CLIENT_DEFAULT
                async with self._client.stream(method, address, data=form, auth=auth) as answer:
                    async for part in answer.aiter_raw(16 << 10):
                        body += part
                        if len(body) > ANSWER_AT_MOST:
                            raise Unavailable("the OpenID provider's answer is too large")
                    status = answer.status_code
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, OSError) as error:
            raise Unavailable(f"the OpenID provider does not answer: {type(error).__name__}") from error
        if 300 <= status < 400 or status >= 500:
            raise Unavailable(f"the OpenID provider answers {status}")
        return status, bytes(body)


def challenge(verifier: str) -> str:
    """What the provider is shown of a PKCE verifier (RFC 7636, S256)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


_BASIC = ["client_secret_basic"]


def _quoted(text: str) -> str:
    """As RFC 6749 wants it in a Basic header."""
    return urlencode({"": text})[1:]


def _object(status: int, body: bytes) -> Json:
    found: Any = None
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(body)
    if status != 200 or not isinstance(found, dict):
        raise Unavailable(f"the OpenID provider's answer ({status}) is not what it should be")
    return found
