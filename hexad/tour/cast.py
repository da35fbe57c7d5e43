"""Who plays in the story: people of the made-up brokerage, which is loaded first where there is nobody."""

import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import Struct

from centers.employee.administrator import assign_by_position
from hexad.demo import sign_ins
from hexad.demo.brokerage import made_up
from hexad.demo.sign_ins import SignIn
from hexad.demo.write import write
from hexad.simulators.rules import MAGIC
from identity import authenticator
from identity.password import Passwords
from kernel.calendar.days import BEIJING
from kernel.errors import InvalidInput
from kernel.security.crypto import Fields
from kernel.security.scope import apply_system
from kernel.settings import Settings
from kernel.store.database import Database, Tx
from kernel.store.sql import load
from workers.collection.ingest import ingest

CUSTOMERS = 1500
"""How many are made up on an empty system: two brokers serve them."""

_LEAST = 30
_MARGIN = 10
"""Seconds before the end of a time step from which the code before it is too old to be shown."""

_sql = load(Path(__file__).with_name("cast.sql"))


class Cast(Struct, frozen=True):
    """Two brokers, an adviser, an investor who has no password, and two who have one."""

    broker: SignIn
    colleague: SignIn
    adviser: SignIn
    investor: str
    subscribers: tuple[SignIn, SignIn]


class Authenticator:
    """The app that shows a member of staff their codes; each is shown once, so that each is good."""

    def __init__(self, secret: str) -> None:
        self._secret, self._shown = secret, 0

    def code(self, now: float | None = None) -> str:
        """The oldest code that was not shown yet and is good for ten seconds at least.

        Raises `InvalidInput` when it is asked so often that there is none: each code stands for one time step.
        """
        present, elapsed = divmod(time.time() if now is None else now, authenticator.STEP_SECONDS)
        oldest = int(present) - (elapsed < authenticator.STEP_SECONDS - _MARGIN)
        step = max(self._shown + 1, oldest)
        if step > present + 1:
            raise InvalidInput(f"an authenticator has a new code every {authenticator.STEP_SECONDS} s alone")
        self._shown = step
        return authenticator.code_at(self._secret, step)


async def gather(settings: Settings, say: Callable[[str], None]) -> Cast:
    """Chooses the cast and gives them new random passwords; made up and loaded first where there is nobody.

    Raises `InvalidInput` where there is nobody to be found, `Unavailable` when PostgreSQL does not answer.
    """
    database = await Database.open(settings.database_url, settings, size=1)
    try:
        async with database.transaction() as tx:
            await apply_system(tx, "command", kind="company")
            loaded = await _sql.is_loaded(tx)
        if not loaded:
            say(f"nobody is here yet: a brokerage with {CUSTOMERS} customers is made up and loaded")
            await _load(settings)
        async with database.transaction() as tx:
            await apply_system(tx, "command", kind="company")
            await assign_by_position(tx)
            return await _chosen(tx, settings)
    finally:
        await database.close()


async def _load(settings: Settings) -> None:
    faults: list[str] = []
    with tempfile.TemporaryDirectory(prefix="tour-", dir=settings.var) as folder:
        for _ in write(made_up(CUSTOMERS, 1, 1, datetime.now(BEIJING).date()), Path(folder)):
            pass
        if not await ingest(settings, Path(folder), faults.append, lambda *_: None):
            raise InvalidInput(f"the made-up brokerage was not loaded: {'; '.join(faults)}")


async def _chosen(tx: Tx, settings: Settings) -> Cast:
    rows: list[Any] = await _sql.brokers(tx, least=_LEAST)
    licensed: str | None = await _sql.adviser(tx)
    brokers = [row["employee_no"] for row in rows]
    investors: list[Any] = (
        await _sql.investors(tx, employee_no=brokers[0], unlucky=list(MAGIC), size=3) if brokers else []
    )
    if len(brokers) < 2 or licensed is None or len(investors) < 3:
        raise InvalidInput(
            "the story needs two brokers with customers, three of whom have no contract yet, and a licensed adviser:"
            " run it on a new HEXAD_VAR, or load others by `hexad demo` and `hexad ingest`"
        )
    passwords, fields = Passwords(), Fields(settings)
    broker, colleague, adviser = [
        await sign_ins.let_in_staff(tx, passwords, fields, role, number)
        for role, number in (("broker", brokers[0]), ("broker", brokers[1]), ("adviser", licensed))
    ]
    chat, *others = (row["customer_no"] for row in investors)
    one, other = [await sign_ins.let_in_investor(tx, passwords, number) for number in others]
    return Cast(broker, colleague, adviser, chat, (one, other))
