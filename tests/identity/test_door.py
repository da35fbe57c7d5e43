"""Nothing secret leaves the door: not in logs, answers, events or the audit log, whatever goes wrong there."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest

from identity.door import Door
from identity.principal import Tokens
from kernel.errors import Misconfigured
from kernel.settings import Settings
from tests.api.conftest import Open
from tests.api.identity.conftest import PASSWORD, People, Phone, session_of
from tests.kernel.conftest import lines

__all__ = ["lines"]
Lines = Callable[[], list[dict[str, Any]]]
CANARY = "canary-Pa55word-7731"


async def everything(people: People) -> str:
    """Whatever the database says of what happened."""
    tables = ("audit", "outbox", "job", "session", "idempotency", "one_time_code", "sign_in_attempt")
    query = "select coalesce(string_agg(t::text, ' '), '') from {} t"
    return " ".join([await people.sql(query.format(table)) for table in tables])


async def test_a_password_is_in_no_log_and_no_row(open_api: Open, people: People, lines: Lines) -> None:
    secret = await people.employ(password=CANARY)
    await people.customer(password=CANARY)
    said: list[httpx.Response] = []
    async with open_api(people.settings) as api:
        phone = Phone(api)
        session_of(await phone.staff(secret, password=CANARY))
        signed_in = await phone.investor(password=CANARY)
        said += [await phone.staff(secret, password=CANARY), await phone.investor("nobody", password=CANARY)]
        for body in (
            {"login": "1", "password": CANARY},
            {"login": "1", "password": [CANARY], "device": phone.device},
            {"login": "1", "password": CANARY, "unknown": CANARY, "device": phone.device},
            {"login": "1", "password": CANARY * 40, "device": phone.device},
            {"login": "1", "password": CANARY + "\u0000", "device": phone.device},
            {"login": "1", "code": CANARY, "device": phone.device},
        ):
            said.append(await api.post("/v1/auth/investor/sign-in", content=json.dumps(body)))
        said.append(await api.post("/v1/auth/investor/sign-in", content=f'{{"password": "{CANARY}'))
        headers = {"Authorization": f"Bearer {signed_in.json()['access_token']}"}
        change = {"old_password": CANARY, "password": f"{CANARY}-new"}
        assert (await api.put("/v1/investor/password", json=change, headers=headers)).status_code == 204
    printed = json.dumps(lines())
    texts = [printed, await everything(people), *(answer.text for answer in said)]
    assert "sign-in" in printed
    assert not [text for text in texts if CANARY in text]
    tokens = signed_in.json()
    for token in (tokens["access_token"], tokens["refresh_token"], secret):
        assert token not in printed + await everything(people)


async def test_a_fault_of_ours_at_the_door_tells_no_secret(
    open_api: Open, people: People, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:

    async def fails(_: Any, stored: str | None, password: str) -> bool:
        raise RuntimeError("verification failed")

    monkeypatch.setattr("identity.password.Passwords.verify", fails)
    async with open_api(people.settings) as api:
        answer = await Phone(api).investor(password=CANARY)
    assert answer.status_code == 500
    printed = json.dumps(lines())
    assert "verification failed" in printed
    assert CANARY not in printed + answer.text


@pytest.mark.parametrize("name", ["field_keys", "index_key"])
def test_without_a_key_it_says_which(settings: Settings, name: str) -> None:
    with pytest.raises(Misconfigured, match=f"HEXAD_{name.upper()}"):
        Door(msgspec.structs.replace(settings, **{name: ""}), Tokens(settings))


async def test_an_address_of_ipv6_is_counted_by_household(open_api: Open, people: People) -> None:
    settings = msgspec.structs.replace(people.settings, trusted_proxies="127.0.0.1/32")
    await people.customer(password=PASSWORD)
    async with open_api(settings) as api:
        for host in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"):
            api.headers["X-Forwarded-For"] = host
            await Phone(api).investor(password="wrong password")
    counted = await people.sql("select array_agg(address order by address) from sign_in_attempt")
    assert counted == ["2001:db8:0:1::/64", "2001:db8::/64", "2001:db8::/64"]
