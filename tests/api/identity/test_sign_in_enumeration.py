"""Nobody learns who is known here: not by text, status or headers, and not by the work that is done either.

Work is counted, not timed: the statements sent to the database, and the passwords verified.
"""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from identity.one_time_code import Owner
from kernel.store import sql
from tests.api.identity.conftest import MOBILE, PASSWORD, People, Phone

_CHANGES = ("x-request-id", "ratelimit-remaining", "ratelimit-reset", "retry-after")


_BESIDE = ("ended", "mark", "marks", "epoch", "instance")
"""What the application asks by the clock, who is signed in, and of each new connection, which database it is."""


class Work:
    """The names of the statements that were sent, by whoever sent them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.statements: list[str] = []
        for method in ("select", "select_one", "select_value", "insert_update_delete"):
            self._watch(monkeypatch, method, getattr(sql._Adapter, method))

    def _watch(self, monkeypatch: pytest.MonkeyPatch, method: str, real: Callable[..., Any]) -> None:
        async def watched(adapter: Any, conn: Any, name: str, *args: Any, **options: Any) -> Any:
            if name not in _BESIDE:
                self.statements.append(name)
            return await real(adapter, conn, name, *args, **options)

        monkeypatch.setattr(sql._Adapter, method, watched)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    """Watches every statement from here on."""
    return Work(monkeypatch)


async def looks(work: Work, phone: Phone, asked: Any) -> tuple[Any, ...]:
    """Everything that somebody outside could see or measure of one answer."""
    transport: Any = phone.api._transport
    passwords = transport.app.inner.state.door.passwords
    work.statements.clear()
    verified = passwords.verified
    answer: httpx.Response = await asked
    body = {name: value for name, value in answer.json().items() if name != "request_id"}
    headers = {name: value for name, value in answer.headers.items() if name not in _CHANGES}
    return answer.status_code, body, headers, tuple(work.statements), passwords.verified - verified


async def test_staff(phone: Phone, people: People, work: Work) -> None:
    secret = await people.employ()
    await people.employ("10087")
    await people.sql("update employee set left_on = current_date where employee_no = '10087' returning 1")
    await people.employ("10088", password=None)
    unknown = await looks(work, phone, phone.staff(secret, "99999"))
    assert (unknown[0], unknown[4]) == (401, 1)
    for asked in (
        phone.staff(secret, password="wrong password"),
        phone.staff(secret, digits="000000"),
        phone.staff(secret, "10087"),
        phone.staff(secret, "10088"),
        phone.staff(secret, "x" * 64),
    ):
        assert await looks(work, phone, asked) == unknown
    await people.lock("staff", "10086")
    assert await looks(work, phone, phone.staff(secret)) == unknown


async def test_investors_by_password(phone: Phone, people: People, work: Work) -> None:
    await people.customer(password=PASSWORD)
    await people.customer("880002", "+8613900000000")
    unknown = await looks(work, phone, phone.investor("999999", password=PASSWORD))
    assert (unknown[0], unknown[4]) == (401, 1)
    for login in ("880001", MOBILE, "880002", "+8613700000000"):
        assert await looks(work, phone, phone.investor(login, password="wrong password")) == unknown
    await people.lock("investor", "880001")
    assert await looks(work, phone, phone.investor(password=PASSWORD)) == unknown


async def test_investors_by_code(phone: Phone, people: People, work: Work) -> None:
    await people.customer()
    await people.customer("880002", "+8613900000000")
    code = await people.code(Owner("sign_in", "investor", "880001", "phone-1"))
    unknown = await looks(work, phone, phone.investor("999999", code="000000"))
    assert unknown[0] == 401
    wrong = "000000" if code != "000000" else "000001"
    for login in ("880001", MOBILE, "880002"):
        assert await looks(work, phone, phone.investor(login, code=wrong)) == unknown
    await people.lock("investor", "880001", device_id="phone-1", proof="code")
    assert await looks(work, phone, phone.investor(code=code)) == unknown


async def test_codes_that_are_asked_for(phone: Phone, people: People, work: Work) -> None:
    await people.customer()
    await people.customer("880002", mobile=None)
    unknown = await looks(work, phone, phone.ask("999999"))
    assert unknown[0] == 202
    for login in ("880001", MOBILE, "880002"):
        assert await looks(work, phone, phone.ask(login)) == unknown
    again = await looks(work, phone, phone.ask("999999"))
    assert again[0] == 429
    for login in ("880001", MOBILE, "880002"):
        assert await looks(work, phone, phone.ask(login)) == again
    assert await people.reasons("code.ask") == ["nobody", "wanted", "wanted", "no mobile number"]


async def test_forgotten_passwords(phone: Phone, people: People, work: Work) -> None:
    await people.customer()
    await people.customer("880002", "+8613900000000")
    code = await people.code(Owner("password", "investor", "880001", "phone-1"))
    wrong = "000000" if code != "000000" else "000001"

    def reset(login: str, given: str = wrong) -> Any:
        body = {"login": login, "device_id": "phone-1", "code": given, "password": "a whole new password"}
        return phone.api.post("/v1/auth/investor/password", json=body)

    unknown = await looks(work, phone, reset("999999"))
    assert unknown[0] == 401
    for login in ("880001", MOBILE, "880002", "+8613700000000"):
        assert await looks(work, phone, reset(login)) == unknown
    await people.sql("update customer set status = 'closed' returning 1")
    assert await looks(work, phone, reset("880001", code)) == unknown


async def test_activation(phone: Phone, people: People, work: Work) -> None:
    await people.employ()
    await people.code(Owner("activate", "staff", "10086", ""))

    def activate(employee_no: str) -> Any:
        body = {"employee_no": employee_no, "code": "WRONG-WRONG", "password": PASSWORD}
        return phone.api.post("/v1/auth/staff/activation", json=body)

    assert await looks(work, phone, activate("10086")) == await looks(work, phone, activate("99999"))
