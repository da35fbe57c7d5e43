"""People who can sign in, made as the feeds and activations would make them, and what they ask for."""

import re
from typing import Any
from uuid import UUID

import httpx
import pytest
from msgspec import Struct

from identity import authenticator
from identity.credential import seal_totp
from identity.one_time_code import Codes, Destination, Owner
from identity.password import Passwords
from kernel.security.crypto import BlindIndex, Fields, Place
from kernel.security.scope import apply_system
from kernel.settings import Settings
from kernel.store.database import Database, Tx

PASSWORD = "correct horse battery"
MOBILE = "+8613812345678"
HERE = "127.0.0.1"


class People:
    """Makes employees and customers in the test's own database."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database, self.settings = database, settings
        self.fields, self.index = Fields(settings), BlindIndex(settings)
        self.codes = Codes(settings, self.fields)

    async def employ(self, employee_no: str = "10086", password: str | None = PASSWORD, role: str = "broker") -> str:
        """An employee of the company, activated unless there is no password; gives the authenticator's key."""
        secret = authenticator.new_secret()
        hashed = await Passwords().hash(password) if password else None
        sealed = seal_totp(self.fields, "staff", employee_no, secret)
        async with self.database.transaction() as tx:
            await tx.execute(
                "insert into employee (employee_no, name, unit_id, position, hired_on, source, digest)"
                " select $1, 'A', id, 'broker', '2020-01-01', 'hr', '' from unit where kind = 'company'",
                employee_no,
            )
            await tx.execute(
                "insert into assignment (employee_id, role) select id, $2 from employee where employee_no = $1",
                employee_no,
                role,
            )
            if hashed:
                await tx.execute(
                    "insert into credential (audience, subject, password, totp) values ('staff', $1, $2, $3)",
                    employee_no,
                    hashed,
                    sealed,
                )
        return secret

    async def customer(
        self, customer_no: str = "880001", mobile: str | None = MOBILE, password: str | None = None
    ) -> str:
        """A customer with a mobile number, and a password if one is given."""
        hashed = await Passwords().hash(password) if password else None
        async with self.database.transaction() as tx:
            await apply_system(tx, "test", kind="company")
            await tx.execute(
                "insert into customer (customer_no, name, kind, id_kind, id_no, id_no_mask, id_no_index, mobile,"
                " mobile_index, branch_id, opened_on, status, investor_kind, source, digest)"
                " select $1, 'C', 'individual', 'id_card', '', '', '', $2, $3, id, '2020-01-01', 'normal', 'ordinary',"
                " 'test', '' from unit where kind = 'company'",
                customer_no,
                mobile and self.fields.seal(mobile, Place("customer", "mobile", customer_no)),
                mobile and self.index.of("mobile", mobile),
            )
            if hashed:
                await tx.execute(
                    "insert into credential (audience, subject, password) values ('investor', $1, $2)",
                    customer_no,
                    hashed,
                )
        return customer_no

    async def code(self, owner: Owner, mobile: str = MOBILE) -> str:
        """A code that was sent to somebody, as they read it."""
        to = None if owner.purpose == "activate" else Destination(mobile, self.index.of("mobile", mobile))
        async with self.database.transaction() as tx:
            asker = self.codes.asker("signed_in", owner.subject, owner.device_id, HERE)
            return (await self.codes.make(tx, owner, asker, to))[1]

    async def sql(self, query: str, *args: Any) -> Any:
        """One value, as the system sees it; what it changes is committed."""
        async with self.database.transaction() as tx:
            await apply_system(tx, "test", kind="company")
            return await tx.fetchval(query, *args)

    async def lock(
        self, audience: str, subject: str, address: str | None = HERE, device_id: str = "", proof: str = "password"
    ) -> None:
        """Five wrong attempts, from an address or (null) on a known device, the last just now."""
        await self.sql(
            "insert into sign_in_attempt (audience, subject, address, device_id, proof)"
            " select $1, $2, $3, $4, $5 from generate_series(1, 5) returning 1",
            audience, subject, address, device_id, proof,
        )  # fmt: skip

    async def reasons(self, action: str = "sign_in.refused") -> list[str]:
        """Why people were refused, as the audit log has it."""
        async with self.database.transaction() as tx:
            rows = await tx.fetch("select reason from audit where action = $1 order by id", action)
        return [row["reason"] for row in rows]


class Phone(Struct, frozen=True):
    """An app on one device."""

    api: httpx.AsyncClient
    device_id: str = "phone-1"

    async def staff(self, secret: str, employee_no: str = "10086", password: str = PASSWORD, step: int = 0,
                    digits: str = "") -> httpx.Response:  # fmt: skip
        """Signs in as staff with what the authenticator shows now, or `step` steps later, or with other digits."""
        shown = digits or authenticator.code_at(secret, authenticator.present() + step)
        body = {"employee_no": employee_no, "password": password, "totp": shown, "device": self.device}
        return await self.api.post("/v1/auth/staff/sign-in", json=body)

    async def investor(self, login: str = "880001", **proof: str) -> httpx.Response:
        """Signs in as an investor with `password` or `code`."""
        return await self.api.post("/v1/auth/investor/sign-in", json={"login": login, "device": self.device, **proof})

    async def ask(self, login: str = "880001", **more: str) -> httpx.Response:
        """Asks for a code."""
        body = {"login": login, "device_id": self.device_id, **more}
        return await self.api.post("/v1/auth/investor/code", json=body)

    async def refresh(self, token: str) -> httpx.Response:
        """Asks for new tokens."""
        body = {"refresh_token": token, "device_id": self.device_id}
        return await self.api.post("/v1/auth/refresh", json=body)

    @property
    def device(self) -> dict[str, str]:
        """How the device calls itself."""
        return {"device_id": self.device_id, "name": "Test phone", "app_version": "1.0.0"}


async def generic_plan(tx: Tx, query: str) -> str:
    """How a query is done whatever its parameters are, as the API's connections plan it."""
    nothing = ", ".join(["null"] * len(set(re.findall(r"\$\d+", query))))
    await tx.execute(f"set local plan_cache_mode = force_generic_plan; prepare planned as {query}")
    rows = await tx.fetch(f"explain execute planned({nothing})")
    await tx.execute("deallocate planned")
    return "\n".join(row[0] for row in rows)


def bearer(answer: httpx.Response) -> dict[str, str]:
    """The headers of a request in the session that began."""
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def refused(answer: httpx.Response, code: str = "wrong_credentials") -> None:
    """The one answer to whatever is wrong; of sessions and tokens it tells what."""
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    told = answer.json()
    assert (told["code"], told.get("detail"), told.get("errors")) == (code, None, None)


def session_of(answer: httpx.Response) -> UUID:
    """The session that began."""
    assert answer.status_code == 200, answer.text
    return UUID(answer.json()["session_id"])


@pytest.fixture
def people(database: Database, own_settings: Settings) -> People:
    """Whoever the test needs."""
    return People(database, own_settings)


@pytest.fixture
def phone(api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> Phone:
    """An app on a device, on which the authenticator's time stands still: it may not turn between code and answer."""
    now = authenticator.present()
    monkeypatch.setattr(authenticator, "present", lambda: now)
    return Phone(api)
