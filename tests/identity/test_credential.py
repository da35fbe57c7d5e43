"""What people prove themselves by: each step of an authenticator once, and a new credential forgets what was wrong."""

import pytest

from identity import attempt, credential
from identity.attempt import Origin
from identity.credential import NONE, open_totp, seal_totp
from kernel.errors import FieldSealed
from kernel.store.database import Tx
from tests.api.identity.conftest import People


async def test_nobody_has_nothing(tx: Tx) -> None:
    assert await credential.find(tx, "staff", "1") == NONE


async def test_a_step_is_good_once_and_for_the_password_that_was_verified(tx: Tx) -> None:
    await credential.activate(tx, "staff", "1", "hash", b"key")
    assert await credential.accept(tx, "staff", "1", "hash", step=7)
    assert not await credential.accept(tx, "staff", "1", "hash", step=7)
    assert not await credential.accept(tx, "staff", "1", "hash", step=6)
    assert not await credential.accept(tx, "staff", "1", "other", step=8)
    assert await credential.accept(tx, "staff", "1", "hash", step=8, rehashed="new hash")
    found = await credential.find(tx, "staff", "1")
    assert (found.password, found.totp, found.totp_used) == ("new hash", b"key", 8)


async def test_a_new_one_unlocks_and_one_that_was_not_set_does_not(tx: Tx) -> None:
    async def wrong() -> None:
        await attempt.fail(tx, await attempt.begin(tx, Origin("password", "192.0.2.1"), "staff", "1", 9))

    async def left() -> int:
        return int(await tx.fetchval("select count(*) from sign_in_attempt"))

    await credential.activate(tx, "staff", "1", "hash", b"key")
    await wrong()
    assert not await credential.set_password(tx, "staff", "1", "other", "new")
    assert await left() == 1
    assert await credential.set_password(tx, "staff", "1", "hash", "new")
    assert await left() == 0
    await wrong()
    await credential.clear(tx, "staff", "1")
    assert await left() == 0


async def test_an_activation_forgets_the_steps_of_the_authenticator_before(tx: Tx) -> None:
    await credential.activate(tx, "staff", "1", "hash", b"key")
    assert await credential.accept(tx, "staff", "1", "hash", step=2**40)
    await credential.clear(tx, "staff", "1")
    assert await credential.find(tx, "staff", "1") == NONE
    await credential.activate(tx, "staff", "1", "hash", b"new key")
    assert await credential.accept(tx, "staff", "1", "hash", step=3)


def test_an_authenticators_key_opens_for_its_owner_alone(people: People) -> None:
    sealed = seal_totp(people.fields, "staff", "1", "SECRET")
    assert open_totp(people.fields, "staff", "1", sealed) == "SECRET"
    assert open_totp(people.fields, "staff", "1", None) is None
    with pytest.raises(FieldSealed):
        open_totp(people.fields, "staff", "2", sealed)
