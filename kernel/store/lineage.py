"""Which life of the database this is, and whether our keys are those with which it was sealed.

A database that went back to an earlier point has forgotten what it told: whatever a phone holds of it (cursors, ETags)
bears the `epoch`, which is another one after every recovery, load of a dump and `hexad restored`.
"""

import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg

from kernel.errors import Misconfigured, Unavailable
from kernel.settings import Settings
from kernel.settings.keys import field_keys, key
from kernel.store.sql import load

Marks = Mapping[tuple[str, str], bytes]
"""The mark of each key, by kind (`field` or `index`) and id."""

_MAJOR_AT_LEAST = 18
_MEND = "set that one, from your vault or the keys.env of the HEXAD_VAR that it was made with"
_MARKED = b"hexad: which key this is"
_sql = load(Path(__file__).with_name("lineage.sql"))


class Lineage:
    """What a pool knows of its database: `epoch` and `instance`, empty before the first connection or the schema."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._checked, self.epoch, self.instance = settings, False, "", ""

    async def meet(self, connection: Any) -> None:
        """Looks at each new connection; raises `Misconfigured` for other keys than the database's, or an old server."""
        check_version(connection)
        try:
            self.epoch, self.instance = await _sql.epoch(connection), await _sql.instance(connection)
            if not self._checked:
                await check(connection, marks(self._settings))
                self._checked = True
        except (asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError):
            return  # the schema is not there yet, which is told elsewhere


def check_version(connection: Any) -> None:
    """Raises `Misconfigured` for a PostgreSQL that is older than the schema can be made in."""
    version = connection.get_server_version()
    if version.major < _MAJOR_AT_LEAST:
        raise Misconfigured(
            f"this is PostgreSQL {version.major}.{version.micro}, and Hexad needs {_MAJOR_AT_LEAST} or newer: upgrade"
            " it with pg_upgrade, or name another one"
        )


async def check(connection: Any, ours: Marks) -> None:
    """Raises `Misconfigured` unless our keys are those of the database, which remembers those that are new to it."""
    before = await known(connection)
    compare(before, ours)
    if new := [one for one in ours if one not in before]:
        kinds, names = [kind for kind, _ in new], [name for _, name in new]
        await _sql.remember(connection, kinds=kinds, names=names, marks=[ours[one] for one in new])
        compare(await known(connection), ours)  # another process may have been first, with others


async def known(connection: Any) -> Marks:
    """The marks of every key with which this database was ever sealed."""
    return {(row["kind"], row["name"]): row["mark"] for row in await _sql.marks(connection)}


def compare(theirs: Marks, ours: Marks) -> None:
    """Raises `Misconfigured` when a key of ours is another than the one known by its id, or none is known."""
    for (kind, name), mark in ours.items():
        if theirs.get((kind, name), mark) != mark:
            what = "HEXAD_INDEX_KEY" if kind == "index" else f"HEXAD_FIELD_KEYS: its key {name}"
            raise Misconfigured(f"{what} is not the one with which this database was sealed: {_MEND}")
    sealed, given = ([name for kind, name in one if kind == "field"] for one in (theirs, ours))
    if given and sealed and not set(given) & set(sealed):
        raise Misconfigured(
            f"HEXAD_FIELD_KEYS has none of the keys with which this database was sealed ({', '.join(sorted(sealed))}):"
            f" {_MEND}"
        )


def marks(settings: Settings) -> Marks:
    """The marks of the keys in the settings, from which nobody can tell the keys."""
    found = {}
    if settings.index_key:
        found["index", ""] = _mark(key("HEXAD_INDEX_KEY", settings.index_key))
    if settings.field_keys:
        found |= {("field", name): _mark(secret) for name, secret in field_keys(settings.field_keys).items()}
    return found


async def restored(url: str, reason: str) -> None:
    """Begins a new epoch as the owner: what phones hold of the database is of another life of it."""
    connection = await connect(url)
    try:
        await _sql.restored(connection, reason=reason)
    finally:
        await connection.close()


async def instance(url: str) -> str:
    """By what the processes of one database know one another, empty when it does not answer.

    It stays over every restore. Health ports tell it to whoever asks: it is a hash, from which nobody learns anything
    but that two processes belong together.
    """
    try:
        connection = await connect(url)
        try:
            return str(await _sql.instance(connection))
        finally:
            await connection.close()
    except (Unavailable, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return ""


async def connect(url: str) -> asyncpg.Connection:
    """A single connection; raises `Unavailable` when PostgreSQL does not answer."""
    if not url:
        raise Unavailable("no database is named")  # the driver would take one from its own defaults
    try:
        return await asyncpg.connect(url, timeout=10)
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        raise Unavailable(f"PostgreSQL does not answer: {type(error).__name__}: {error}") from error


def _mark(secret: bytes) -> bytes:
    return hmac.digest(secret, _MARKED, "sha256")[:16]
