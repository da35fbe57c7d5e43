"""Whoever must verify our tokens gets the public key, and it verifies them."""

import uuid

import httpx
import jwt

from identity.principal import Tokens
from kernel.settings import Settings


async def test_the_published_key_verifies_a_token(api: httpx.AsyncClient, own_settings: Settings) -> None:
    answer = await api.get("/v1/auth/keys")
    key = jwt.PyJWK(answer.json()["keys"][0])
    token = Tokens(own_settings).issue("staff", "10086", uuid.uuid4())
    claims = jwt.decode(token, key, algorithms=["EdDSA"], audience="staff")
    assert claims["sub"] == "10086"
