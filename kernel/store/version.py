"""Optimistic versions: a change names the version it was made from, and is told which fields collide with others'."""

from pathlib import Path

import msgspec

from kernel.errors import FieldError, VersionConflict
from kernel.store.database import Tx
from kernel.store.sql import load

_sql = load(Path(__file__).with_name("version.sql"))


async def check_version(
    tx: Tx, thing: tuple[str, str], now: int, named: int | None, change: msgspec.Struct | None = None
) -> None:
    """Raises `VersionConflict` unless the thing (noun and id) is still at the version that was named.

    `named` is null when any version will do, as long as there is one (`now` above 0). The error lists the fields of
    the change, or without one all fields, that others changed since; the audit log knows them.
    """
    if named == now or (named is None and now > 0):
        return
    if named is None:
        raise VersionConflict("there is no version yet, name the ETag of a GET", "尚无版本,请使用 GET 返回的 ETag")
    noun, noun_id = thing
    changed = [row[0] for row in await _sql.changed_since(tx, noun=noun, noun_id=noun_id, version=named)]
    asked = {field.name for field in msgspec.structs.fields(change)} if change is not None else set(changed)
    text, text_zh = f"changed since version {named}", f"自版本 {named} 之后已被修改"
    raise VersionConflict(errors=[FieldError(name, text, text_zh) for name in changed if name in asked])
