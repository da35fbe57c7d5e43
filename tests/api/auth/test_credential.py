"""Attempts are counted before they are looked at: by person for the lock-out, by address for everybody there."""

import asyncio

import pytest

from api.auth import credential
from api.auth.credential import NONE, open_totp, seal_totp
from kernel.database import Tx
from kernel.errors import FieldSealed, RateLimited
from tests.api.auth.conftest import People

WHO = ("investor", "880001")


async def test_nobody_has_nothing_and_costs_no_row(tx: Tx) -> None:
    assert await credential.charge(tx, "staff", "") is None
    assert await credential.find(tx, "staff", "1") == NONE
    assert await tx.fetchval("select count(*) from credential") == 0


async def test_somebody_without_a_credential_is_locked_out_like_others(tx: Tx) -> None:
    charged = [await credential.charge(tx, "staff", "1") for _ in range(7)]
    assert charged == [NONE] * 5 + [None] * 2


async def test_success_begins_anew_and_a_step_is_good_once(tx: Tx) -> None:
    await credential.activate(tx, "staff", "1", "hash", b"key")
    for _ in range(4):
        await credential.charge(tx, "staff", "1")
    assert await credential.accept(tx, "staff", "1", "hash", step=7)
    assert not await credential.accept(tx, "staff", "1", "hash", step=7)
    assert not await credential.accept(tx, "staff", "1", "hash", step=6)
    assert not await credential.accept(tx, "staff", "1", "other", step=8)
    assert await credential.accept(tx, "staff", "1", "hash", step=8, rehashed="new hash")
    assert [await credential.charge(tx, "staff", "1") is None for _ in range(6)] == [False] * 5 + [True]
    found = await credential.find(tx, "staff", "1")
    assert (found.password, found.totp, found.totp_used) == ("new hash", b"key", 8)


async def test_an_activation_forgets_the_steps_of_the_authenticator_before(tx: Tx) -> None:
    await credential.activate(tx, "staff", "1", "hash", b"key")
    assert await credential.accept(tx, "staff", "1", "hash", step=2**40)
    await credential.clear(tx, "staff", "1")
    assert await credential.find(tx, "staff", "1") == NONE
    await credential.activate(tx, "staff", "1", "hash", b"new key")
    assert await credential.accept(tx, "staff", "1", "hash", step=3)


async def test_an_address_has_so_many_at_once_too_and_gets_back_what_succeeded(people: People) -> None:
    waits: list[float] = []

    async def come(_: int) -> bool:
        try:
            async with people.database.transaction() as tx:
                await credential.count_address(tx, "192.0.2.1", 5)
        except RateLimited as error:
            waits.append(error.wait)
            return False
        return True

    assert sum(await asyncio.gather(*map(come, range(9)))) == 5
    assert all(590 < wait <= 600 for wait in waits)
    async with people.database.transaction() as tx:
        await credential.count_address(tx, "192.0.2.2", 5)
        await credential.forgive_address(tx, "192.0.2.1", 2)
        await credential.count_address(tx, "192.0.2.1", 5)
    await people.sql("update sign_in_attempt set at = at - interval '11 minutes' returning 1")
    assert await come(0)


def test_an_authenticators_key_opens_for_its_owner_alone(people: People) -> None:
    sealed = seal_totp(people.fields, "staff", "1", "SECRET")
    assert open_totp(people.fields, "staff", "1", sealed) == "SECRET"
    assert open_totp(people.fields, "staff", "1", None) is None
    with pytest.raises(FieldSealed):
        open_totp(people.fields, "staff", "2", sealed)
