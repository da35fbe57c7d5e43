"""What was begun at the provider is taken once, where it was begun, and lies sealed meanwhile."""

import hashlib

import pytest

from identity import single_sign_on
from kernel.security.crypto import Fields
from kernel.settings import Settings
from kernel.store.database import Tx


@pytest.fixture
def fields(settings: Settings) -> Fields:
    return Fields(settings)


async def test_it_is_taken_once(tx: Tx, fields: Fields) -> None:
    state, begun = single_sign_on.new()
    await single_sign_on.start(tx, fields, "phone", state, begun)
    assert await single_sign_on.take(tx, fields, "phone", state) == begun
    assert await single_sign_on.take(tx, fields, "phone", state) is None


async def test_another_device_gets_nothing_and_spoils_it(tx: Tx, fields: Fields) -> None:
    state, begun = single_sign_on.new()
    await single_sign_on.start(tx, fields, "phone", state, begun)
    assert await single_sign_on.take(tx, fields, "another", state) is None
    assert await single_sign_on.take(tx, fields, "phone", state) is None


async def test_what_is_too_old_is_gone(tx: Tx, fields: Fields) -> None:
    state, begun = single_sign_on.new()
    await single_sign_on.start(tx, fields, "phone", state, begun)
    await tx.execute("update oidc_request set expires_at = now()")
    assert await single_sign_on.take(tx, fields, "phone", state) is None


async def test_neither_state_nor_verifier_can_be_read(tx: Tx, fields: Fields) -> None:
    state, begun = single_sign_on.new()
    await single_sign_on.start(tx, fields, "phone", state, begun)
    row = await tx.fetchrow("select state, verifier, oidc_request::text as whole from oidc_request")
    assert row is not None
    assert row["state"] == hashlib.sha256(state.encode()).digest()
    assert begun.verifier.encode() not in bytes(row["verifier"])
    assert state not in row["whole"]
    assert begun.verifier not in row["whole"]


def test_no_two_are_alike() -> None:
    (one, begun), (other, later) = single_sign_on.new(), single_sign_on.new()
    assert len({one, other, begun.nonce, later.nonce, begun.verifier, later.verifier}) == 6
