"""The first administrator, or one whose authenticator is lost: a one-time activation code, and no password anywhere."""

import re

from msgspec import Struct

from api.identity.activation import do_issue
from centers.employee import administrator
from identity.one_time_code import HAND_SECONDS, Codes, shown
from kernel.errors import InvalidInput
from kernel.security.crypto import Fields
from kernel.security.scope import apply_system
from kernel.settings import Settings
from kernel.store.database import Database

_NUMBER = re.compile(r"[A-Za-z0-9_.-]{1,20}")
_ADDRESS = "command"


class Made(Struct, frozen=True):
    """Whether the employee was not known before, and the code; it is good once, for so many hours."""

    new: bool
    code: str
    hours: int

    def __repr__(self) -> str:
        return f"Made(new={self.new})"


async def make(settings: Settings, employee_no: str, name: str = "") -> Made:
    """Makes or repairs an administrator; their sessions end, and the code is the only way in.

    Raises `InvalidInput` for a number that is none or of somebody who left, `Unavailable`, `Misconfigured`.
    """
    if not _NUMBER.fullmatch(employee_no):
        raise InvalidInput("an employee number has 1 to 20 letters, digits, dots, dashes or underscores")
    if len(name) > 100 or not name.isprintable():
        raise InvalidInput("a name has at most 100 characters, none of them invisible")
    codes = Codes(settings, Fields(settings))
    database = await Database.open(settings.database_url, settings, size=1)
    try:
        async with database.transaction() as tx:
            await apply_system(tx, "command")
            new = await administrator.make(tx, employee_no, name.strip() or employee_no)
            code = await do_issue(tx, codes, employee_no, _ADDRESS)
    finally:
        await database.close()
    return Made(new, shown(code), HAND_SECONDS // 3600)
