"""How a customer can and wants to be reached, beside what the source systems say."""

import re
from pathlib import Path
from typing import Any

from msgspec import UNSET, Struct
from msgspec.structs import replace

from centers.customer.customer import find as find_customer
from kernel.errors import FieldError, InvalidInput
from kernel.events.outbox import Record, emit
from kernel.security.crypto import BlindIndex, Fields, Place
from kernel.security.scope import Scope
from kernel.store.database import Tx
from kernel.store.sql import load
from kernel.store.version import check_version
from kernel.text.personal import mask_email, mask_mobile, mobile
from mobile_contracts.address import SENDABLE
from mobile_contracts.customer.customer import Contact, ContactChange, Customer, Preference, PreferenceChange
from mobile_contracts.event import ContactChanged

NO_CONTACT = Contact(mobile=None, email=None, address="", wechat="", version=0)
NO_PREFERENCE = Preference(language="zh", channel="sms", contact_from="09:00", contact_to="21:00", version=0)
_SENDABLE = re.compile(SENDABLE)
_sql = load(Path(__file__).with_name("contact.sql"), Contact, Preference)


class Seals(Struct, frozen=True):
    """What seals and finds mobile numbers."""

    fields: Fields
    index: BlindIndex


async def find_contact(tx: Tx, scope: Scope, customer_no: str) -> Contact:
    """What is noted of the customer, empty at version 0 when nothing is; raises `NotFound`."""
    return await _contact(tx, await find_customer(tx, scope, customer_no))


async def find_preference(tx: Tx, scope: Scope, customer_no: str) -> Preference:
    """What the customer prefers, the defaults at version 0 when nothing was said; raises `NotFound`."""
    return await _preference(tx, await find_customer(tx, scope, customer_no))


async def change_contact(
    tx: Tx, scope: Scope, customer_no: str, version: int | None, change: ContactChange, seals: Seals
) -> Contact:
    """Notes what the change names; `version` null is any. Raises `NotFound`, `InvalidInput` or `VersionConflict`."""
    number = _checked_mobile(change)
    _check_email(change)
    customer = await find_customer(tx, scope, customer_no)
    await _sql.lock(tx, customer_id=customer.id)
    before = await _contact(tx, customer)
    if version is not None:
        await check_version(tx, ("contact", customer_no), before.version, version, change)
    await _put_contact(tx, customer, change, number, seals)
    after = await _contact(tx, customer)
    await _emit(tx, "contact", customer, before, after)
    return after


async def change_preference(
    tx: Tx, scope: Scope, customer_no: str, version: int | None, change: PreferenceChange
) -> Preference:
    """Keeps it all, at any version when it is null; raises `NotFound`, `InvalidInput` or `VersionConflict`."""
    if change.contact_to <= change.contact_from:
        raise InvalidInput(errors=[FieldError("contact_to", "must be after contact_from", "须晚于 contact_from")])
    customer = await find_customer(tx, scope, customer_no)
    await _sql.lock(tx, customer_id=customer.id)
    before = await _preference(tx, customer)
    if version is not None:
        await check_version(tx, ("preference", customer_no), before.version, version, change)
    await _sql.put_preference(
        tx, customer_id=customer.id, language=change.language, channel=change.channel,
        contact_from=change.contact_from, contact_to=change.contact_to,
    )  # fmt: skip
    after = await _preference(tx, customer)
    await _emit(tx, "preference", customer, before, after)
    return after


async def _contact(tx: Tx, customer: Customer) -> Contact:
    found: Contact = await _sql.find_contact(tx, customer_id=customer.id) or NO_CONTACT
    return replace(found, email=mask_email(found.email)) if found.email else found


async def _preference(tx: Tx, customer: Customer) -> Preference:
    return await _sql.find_preference(tx, customer_id=customer.id) or NO_PREFERENCE


async def _put_contact(tx: Tx, customer: Customer, change: ContactChange, number: str | None, seals: Seals) -> None:
    kept: Any = await _sql.kept_contact(tx, customer_id=customer.id)
    values: dict[str, Any] = dict(kept) if kept else {**_EMPTY}
    if change.mobile is not UNSET:
        place = Place("contact", "mobile", customer.customer_no)
        values["mobile"] = seals.fields.seal(number, place) if number else None
        values["mobile_mask"] = mask_mobile(number) if number else None
        values["mobile_index"] = seals.index.of("mobile", number) if number else None
    for name in ("email", "address", "wechat"):
        given = getattr(change, name)
        if given is not UNSET:
            values[name] = given
    await _sql.put_contact(tx, customer_id=customer.id, **values)


async def _emit(
    tx: Tx, noun: str, customer: Customer, before: Contact | Preference, after: Contact | Preference
) -> None:
    record = Record(action=f"{noun}.change", noun=noun, noun_id=customer.customer_no, before=before, after=after)
    await emit(tx, ContactChanged(customer_no=customer.customer_no), record)


def _checked_mobile(change: ContactChange) -> str | None:
    if not isinstance(change.mobile, str):
        return None
    try:
        return mobile(change.mobile)
    except InvalidInput as error:
        raise InvalidInput(errors=[FieldError("mobile", "not a mobile number", "手机号格式有误")]) from error


def _check_email(change: ContactChange) -> None:
    """Raises `InvalidInput` for what no letter could be sent to."""
    if isinstance(change.email, str) and not _SENDABLE.match(change.email):
        raise InvalidInput(errors=[FieldError("email", "no letter can be sent to this address", "此邮箱地址无法投递")])


_EMPTY: dict[str, Any] = {
    "mobile": None, "mobile_mask": None, "mobile_index": None, "email": None, "address": "", "wechat": "",
}  # fmt: skip
