"""A small OpenID provider on a real port, with real keys and signatures, that misbehaves when it is told to."""

import asyncio
import base64
import hashlib
import json
import secrets
import socket
import threading
import time
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as elliptic_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

WRONG: dict[str | None, tuple[int, bytes]] = {
    "huge": (200, b" " * (300 << 10)),
    "redirect": (307, b""),
    "broken": (500, b"{}"),
    "text": (200, b"<html>"),
    "list": (200, b"[]"),
    "deep": (200, b"[" * 100_000),
}
"""What a provider in trouble answers."""

CLIENT, SECRET, REDIRECT = "hexad app", "s3cret/+ %", "https://app.test/oidc?x=1"


class Provider:
    """One provider that knows one employee; every code is good once, for one client, redirect and PKCE challenge."""

    def __init__(self) -> None:
        self.keys = dict(_keys(1))
        self.algorithm, self.kid = "RS256", "1"
        self.claims: dict[str, Any] = {"employee_no": "10086", "sub": "subject-1"}
        self.described: dict[str, Any] = {}
        self.token: str | None = None
        self.misbehave: dict[str, str] = {}
        self.asked: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.issuer = f"http://127.0.0.1:{self._socket.getsockname()[1]}/realm"
        config = uvicorn.Config(
            self._serve, log_config=None, interface="asgi3", lifespan="off", ws="none", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)

    def start(self) -> None:
        """Serves from now on."""
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def stop(self) -> None:
        """Nobody answers any more."""
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()

    async def consent(self, url: str) -> dict[str, str]:
        """What a browser does: signs in there and comes back with `state` and `code`."""
        async with httpx.AsyncClient(trust_env=False) as browser:
            answer = await browser.get(url)
        assert answer.status_code == 302, answer.text
        back = urlsplit(answer.headers["location"])
        assert f"{back.scheme}://{back.netloc}{back.path}" == "https://app.test/oidc"
        found = {name: values[0] for name, values in parse_qs(back.query).items()}
        return {"state": found["state"], "code": found["code"]}

    def signed(self, claims: dict[str, Any]) -> str:
        """An ID token with these claims over the right ones; what is null is left out."""
        now = int(time.time())
        right = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, **self.claims}
        told = {name: value for name, value in {**right, **claims}.items() if value is not None}
        return jwt.encode(told, self.keys[self.algorithm], self.algorithm, headers={"kid": self.kid})

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        path = scope["path"].removeprefix("/realm")
        self.asked.append(path)
        headers = {key.decode(): value.decode() for key, value in scope["headers"]}
        if (how := self.misbehave.get(path)) in WRONG:
            await _answer(send, *WRONG[how], location=f"{self.issuer}{path}?elsewhere")
            return
        if how == "dribble":
            await _dribble(send)
            return
        if how == "slow":
            await asyncio.sleep(30)
        query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        await self._answer(path, send, query, form, headers)

    async def _answer(
        self, path: str, send: Any, query: dict[str, str], form: dict[str, str], headers: dict[str, str]
    ) -> None:
        if path == "/.well-known/openid-configuration":
            await _answer(send, 200, self._description())
        elif path == "/jwks":
            await _answer(send, 200, {"keys": self._public()})
        elif path == "/authorize" and self._asks_right(query):
            code = secrets.token_urlsafe(20)
            self._codes[code] = query
            back = f"{REDIRECT}&{urlencode({'state': query['state'], 'code': code})}"
            await _answer(send, 302, b"", location=back)
        elif path == "/token" and self._pays_right(form, headers):
            nonce = self._codes.pop(form["code"])["nonce"]
            token = self.signed({"nonce": nonce, **self.claims}) if self.token is None else self.token
            await _answer(send, 200, {"access_token": "unused", "token_type": "Bearer", "id_token": token})
        else:
            await _answer(send, 400, {"error": "invalid_request"})

    def _description(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            **self.described,
        }

    def _public(self) -> list[dict[str, Any]]:
        rsa, elliptic, edwards = (self.keys[name].public_key() for name in ("RS256", "ES256", "EdDSA"))
        made = [RSAAlgorithm.to_jwk(rsa, as_dict=True), ECAlgorithm.to_jwk(elliptic, as_dict=True),
                OKPAlgorithm.to_jwk(edwards, as_dict=True)]  # fmt: skip
        return [{**one, "kid": self.kid, "use": "sig"} for one in made] + [{"kty": "oct", "k": "AAAA", "kid": self.kid}]

    def _asks_right(self, query: dict[str, str]) -> bool:
        wanted = {
            "response_type": "code",
            "client_id": CLIENT,
            "redirect_uri": REDIRECT,
            "code_challenge_method": "S256",
        }
        return wanted.items() <= query.items() and {"openid"} <= set(query["scope"].split()) and "nonce" in query

    def _pays_right(self, form: dict[str, str], headers: dict[str, str]) -> bool:
        begun = self._codes.get(form.get("code", ""))
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if begun is None or begun["code_challenge"] != challenge or form["redirect_uri"] != REDIRECT:
            return False
        if "client_secret_post" in self.described.get("token_endpoint_auth_methods_supported", ()):
            return (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)
        basic = base64.b64encode(b"hexad+app:s3cret%2F%2B+%25").decode()
        return headers.get("authorization") == f"Basic {basic}"

    @property
    def public_pem(self) -> bytes:
        """The RSA public key as a confused verifier would take it for an HMAC secret."""
        key: RSAPrivateKey = self.keys["RS256"]
        return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@cache
def _keys(number: int) -> dict[str, Any]:
    """Private keys by algorithm, the same for the same number."""
    return {
        "RS256": generate_private_key(65537, 2048),
        "ES256": elliptic_key(SECP256R1()),
        "EdDSA": Ed25519PrivateKey.generate(),
    }


def strangers_key() -> RSAPrivateKey:
    """A key that the provider does not have."""
    key: RSAPrivateKey = _keys(2)["RS256"]
    return key


async def _answer(send: Any, status: int, body: Any, **headers: str) -> None:
    told = body if isinstance(body, bytes) else json.dumps(body).encode()
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status,
                "headers": [(b"content-type", b"application/json"), *pairs]})  # fmt: skip
    await send({"type": "http.response.body", "body": told})


async def _dribble(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    for _ in range(100):
        await send({"type": "http.response.body", "body": b" ", "more_body": True})
        await asyncio.sleep(0.2)
