"""Sign-ins for people of a made-up brokerage: roles by position, and random passwords for one of each."""

import secrets
from pathlib import Path

from msgspec import Struct

from centers.employee.administrator import assign_by_position
from identity import credential
from identity.authenticator import new_secret
from identity.password import Passwords
from kernel.errors import InvalidInput
from kernel.security.crypto import Fields
from kernel.security.scope import apply_system
from kernel.settings import Settings
from kernel.store.database import Database, Tx
from kernel.store.sql import load

_sql = load(Path(__file__).with_name("sign_ins.sql"))


class SignIn(Struct, frozen=True):
    """How somebody signs in; `authenticator` is the key for an authenticator app, empty for an investor."""

    role: str
    subject: str
    password: str
    authenticator: str = ""

    def __repr__(self) -> str:
        return f"SignIn({self.role}, {self.subject})"


async def make(settings: Settings, *, embedded: bool) -> list[SignIn]:
    """Gives everybody without a role the one that their position names, and one of each a random password.

    Raises `InvalidInput` on a database that is not the embedded one, and where nobody was loaded yet.
    """
    if not embedded:
        raise InvalidInput("sign-ins of a made-up brokerage are made in the embedded database alone")
    database, passwords, fields = (
        await Database.open(settings.database_url, settings, size=1),
        Passwords(),
        Fields(settings),
    )
    try:
        async with database.transaction() as tx:
            await apply_system(tx, "command", kind="company")
            await assign_by_position(tx)
            made = [
                await let_in_staff(tx, passwords, fields, row["role"], row["employee_no"])
                for row in await _sql.one_of_each(tx)
            ]
            if not made:
                raise InvalidInput("nobody was loaded yet: `hexad demo --out demo`, then `hexad ingest demo`")
            return [*made, *await _investor(tx, passwords, next((one for one in made if one.role == "broker"), None))]
    finally:
        await database.close()


async def let_in_staff(tx: Tx, passwords: Passwords, fields: Fields, role: str, employee_no: str) -> SignIn:
    """Gives a member of staff a random password and a new authenticator."""
    password, secret = secrets.token_urlsafe(12), new_secret()
    sealed = credential.seal_totp(fields, "staff", employee_no, secret)
    await credential.activate(tx, "staff", employee_no, await passwords.hash(password), sealed)
    return SignIn(role, employee_no, password, secret)


async def let_in_investor(tx: Tx, passwords: Passwords, customer_no: str) -> SignIn:
    """Gives a customer a random password."""
    password = secrets.token_urlsafe(12)
    known = await credential.find(tx, "investor", customer_no)
    await credential.set_password(tx, "investor", customer_no, known.password, await passwords.hash(password))
    return SignIn("investor", customer_no, password)


async def _investor(tx: Tx, passwords: Passwords, broker: SignIn | None) -> list[SignIn]:
    customer_no = await _sql.customer_of(tx, employee_no=broker.subject if broker else "")
    return [] if customer_no is None else [await let_in_investor(tx, passwords, customer_no)]
