"""Templates as they are kept: what a version says never changes, and nothing is sent that no second person approved."""

from pathlib import Path

import msgspec

from kernel.errors import FieldError, InvalidInput, NotAllowed, NotFound
from kernel.events.outbox import Record, emit
from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.event import TemplateChanged
from mobile_contracts.messaging.template import ByLanguage, TemplateLine, TemplateNew, TemplateVersion, Variable
from notifications.template import rendering

_sql = load(Path(__file__).with_name("template.sql"), TemplateLine)


async def list_all(tx: Tx) -> list[TemplateLine]:
    """Every template, by code."""
    lines: list[TemplateLine] = await _sql.list(tx)
    return lines


async def find(tx: Tx, code: str) -> TemplateLine:
    """One template; raises `NotFound`."""
    line: TemplateLine | None = await _sql.find(tx, code=code)
    if line is None:
        raise NotFound
    return line


async def find_version(tx: Tx, code: str, number: int) -> TemplateVersion:
    """One version; raises `NotFound`."""
    row = await _sql.version(tx, code=code, number=number)
    if row is None:
        raise NotFound
    variables = msgspec.json.decode(row["variables"], type=list[Variable])
    texts = msgspec.json.decode(row["texts"], type=ByLanguage)
    return TemplateVersion(row["code"], row["number"], variables, texts, *list(row)[4:])


async def check_new_version(tx: Tx, code: str, wanted: TemplateNew) -> None:
    """Raises `InvalidInput` for what could not be rendered, and for another purpose than the template has."""
    rendering.check(wanted.variables, wanted.texts)
    known = await _sql.lock(tx, code=code)
    if known is not None and known["purpose"] != wanted.purpose:
        raise InvalidInput(errors=[FieldError("purpose", "a template keeps its purpose", "模板用途不可更改")])


async def do_add_version(tx: Tx, code: str, wanted: TemplateNew, by: str) -> TemplateVersion:
    """Keeps a version, which waits for its approval."""
    await _sql.put(tx, code=code, name=wanted.name, purpose=wanted.purpose, topic=wanted.topic, most=wanted.most)
    number = await _sql.add_version(
        tx, code=code, by=by, variables=msgspec.json.encode(wanted.variables).decode(),
        texts=msgspec.json.encode(wanted.texts).decode(),
    )  # fmt: skip
    made = await find_version(tx, code, number)
    await _emit(tx, "make", None, made)
    return made


async def approve(tx: Tx, code: str, number: int, by: str) -> TemplateVersion:
    """Lets a version be sent from now on; raises `NotFound`, and `NotAllowed` for whoever made it."""
    before = await find_version(tx, code, number)
    if before.made_by == by:
        raise NotAllowed("somebody else than its maker approves a version", "须由他人复核,不得自行批准")
    if not await _sql.approve(tx, code=code, number=number, by=by):
        return before
    after = await find_version(tx, code, number)
    await _emit(tx, "approve", before, after)
    return after


async def _emit(tx: Tx, action: str, before: TemplateVersion | None, after: TemplateVersion) -> None:
    noun_id = f"{after.code}/{after.number}"
    record = Record(action=f"template.{action}", noun="template", noun_id=noun_id, before=before, after=after)
    await emit(tx, TemplateChanged(code=after.code, number=after.number), record)
