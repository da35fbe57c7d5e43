"""From nothing to an administrator who is signed in: one command, one code, no password anywhere."""

import subprocess

import pytest

from hexad.administrator import make
from kernel.errors import InvalidInput
from kernel.settings import Settings
from tests.api.conftest import Open, open_api
from tests.api.identity.conftest import People, Phone, bearer, people, refused, session_of
from tests.conftest import child_environment
from tests.hexad.running import HEXAD

__all__ = ["open_api", "people"]
NEW = "a whole new password"


async def activate(phone: Phone, code: str, employee_no: str = "boss") -> str:
    """Sets the password, and gives the authenticator's key."""
    body = {"employee_no": employee_no, "code": code, "password": NEW}
    answer = await phone.api.post("/v1/auth/staff/activation", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["secret"])


async def test_the_first_administrator_comes_in(own_settings: Settings, people: People, open_api: Open) -> None:
    made = await make(own_settings, "boss", "老板")
    assert (made.new, made.hours, len(made.code)) == (True, 24, 11)
    assert made.code not in repr(made)
    async with open_api(own_settings) as api:
        phone = Phone(api)
        answer = await phone.staff(await activate(phone, made.code), "boss", NEW)
        session_of(answer)
        assert (await api.get("/v1/staff/jobs", headers=bearer(answer))).status_code == 200
    audited = await people.sql("select array_agg(principal || ' ' || action order by id) from audit")
    assert audited[:2] == ["system:command administrator.make", "system:command activation.issue"]


async def test_one_who_lost_the_authenticator_is_let_back_in(
    own_settings: Settings, people: People, open_api: Open
) -> None:
    secret = await people.employ("boss", role="administrator")
    async with open_api(own_settings) as api:
        phone = Phone(api)
        before = await phone.staff(secret, "boss")
        made = await make(own_settings, "boss")
        assert not made.new
        refused(await phone.staff(secret, "boss", step=1))
        refused(await phone.refresh(before.json()["refresh_token"]), "session_ended")
        session_of(await phone.staff(await activate(phone, made.code), "boss", NEW))


@pytest.mark.parametrize(
    ("employee_no", "name", "why"),
    [("", "A", "employee number"), ("a b", "A", "employee number"), ("x" * 21, "A", "employee number"),
     ("boss", "A\n", "name"), ("boss", "A" * 101, "name")],
)  # fmt: skip
async def test_what_is_wrong_is_told(own_settings: Settings, employee_no: str, name: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        await make(own_settings, employee_no, name)


def test_the_command_prints_the_code_alone_on_stdout(own_settings: Settings) -> None:
    done = subprocess.run(
        [HEXAD, "administrator", "boss", "--name", "老板"], env=child_environment(own_settings), capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.strip()) == 11
    assert "boss (new)" in done.stderr
    assert done.stdout.strip() not in done.stderr
