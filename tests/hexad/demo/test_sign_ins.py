"""People of a made-up brokerage sign in with what was printed, and with nothing else."""

import httpx
import msgspec
import pytest

from hexad.demo import sign_ins
from identity import authenticator
from kernel.errors import InvalidInput
from kernel.settings import Settings
from kernel.store.database import Database
from tests.api.conftest import Open, open_api
from tests.brokerage import small

__all__ = ["open_api"]


async def test_one_of_each_position_signs_in(database: Database, own_settings: Settings, open_api: Open) -> None:
    house = await small(database, own_settings)
    await house.execute("update employee set position = 'broker' where employee_no in ('1001', '1002')")
    await house.execute("update employee set position = 'branch_manager' where employee_no = '1005'")
    await house.execute("delete from assignment")
    made = await sign_ins.make(own_settings, embedded=True)
    assert [(one.role, one.subject) for one in made] == [
        ("branch_manager", "1005"), ("broker", "1001"), ("investor", "88000001"),
    ]  # fmt: skip
    assert len({one.password for one in made}) == 3
    async with open_api(own_settings) as api:
        for one in made:
            assert (await sign_in(api, one)).status_code == 200
            wrong = msgspec.structs.replace(one, password=one.password + "x")
            assert (await sign_in(api, wrong)).status_code == 401
    async with database.transaction() as tx:
        assert await tx.fetchval("select count(*) from assignment") == 3


async def sign_in(api: httpx.AsyncClient, one: sign_ins.SignIn) -> httpx.Response:
    body: dict[str, object] = {"password": one.password, "device": {"device_id": "phone-1"}}
    if one.role == "investor":
        return await api.post("/v1/auth/investor/sign-in", json={**body, "login": one.subject})
    code = authenticator.code_at(one.authenticator, authenticator.present())
    return await api.post("/v1/auth/staff/sign-in", json={**body, "employee_no": one.subject, "totp": code})


async def test_never_in_another_database_and_not_for_nobody(own_settings: Settings) -> None:
    with pytest.raises(InvalidInput, match="embedded"):
        await sign_ins.make(own_settings, embedded=False)
    with pytest.raises(InvalidInput, match="hexad ingest"):
        await sign_ins.make(own_settings, embedded=True)
