"""The customer (客户) as brokers, and customers themselves, see it; what identifies a person is masked."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from mobile_contracts.base import CODE, CODE_LENGTH, NO_CONTROLS, Answer, Input, Money, Reason
from mobile_contracts.identity.device import Device

CustomerKind = Literal["individual", "institution"]
CustomerStatus = Literal["normal", "dormant", "frozen", "closed"]
CustomerOrder = Literal["assets", "opened", "name"]
"""Richest first, newest first, or by name."""

CustomerNo = Annotated[str, Meta(min_length=1, max_length=CODE_LENGTH, pattern=CODE)]
Mobile = Annotated[str, Meta(min_length=11, max_length=20, pattern=r"^[0-9+ ()\-]+\Z")]
Email = Annotated[str, Meta(max_length=100, pattern=r"^[^@\s\x00-\x1f\x7f]{1,64}@[A-Za-z0-9.-]+\.[A-Za-z]{2,}\Z")]
"""As it was released; what is kept must be an address that can be written to, too (`address.py`)."""

TimeOfDay = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z", description="hour and minute in Beijing")]
RevealField = Literal["mobile", "id_no", "email", "contact_mobile", "contact_email"]
"""A masked field of the customer, or of what was noted of how to reach them."""

ContactText = Annotated[str, Meta(max_length=200, pattern=NO_CONTROLS)]


class CustomerLine(Answer, frozen=True):
    """A customer in a list; `id` never changes and orders what is otherwise equal. `assets` in yuan."""

    id: int
    customer_no: str
    name: str
    kind: CustomerKind
    mobile: str | None
    status: CustomerStatus
    risk_level: int | None
    opened_on: date
    assets: Money


class Customer(Answer, frozen=True):
    """One customer. `closed_on` is the first day without accounts.

    `risk_level` 1 to 5 (风险承受能力 C1-C5) by whatever said so last, an assessment or the source system of the
    customer; `risk_expires_on` is the first day on which it no longer holds.
    """

    id: int
    customer_no: str
    name: str
    kind: CustomerKind
    id_kind: str
    id_no: str
    mobile: str | None
    email: str | None
    gender: str | None
    birthday: date | None
    branch_code: str
    branch_name: str
    opened_on: date
    closed_on: date | None
    status: CustomerStatus
    risk_level: int | None
    risk_assessed_on: date | None
    investor_kind: Literal["ordinary", "professional"]
    assets: Money
    version: int
    risk_expires_on: date | None = None


class Account(Answer, frozen=True):
    """An account (账户) of a customer."""

    account_no: str
    kind: Literal["cash", "sh_a", "sz_a", "margin", "futures", "option", "fund_ta"]
    custodian_bank: str | None
    opened_on: date
    closed_on: date | None
    status: str


class Relation(Answer, frozen=True):
    """Who looks after a customer (客户关系): `share` of the result, above 0 up to 1; `valid_to` is exclusive."""

    employee_no: str
    employee_name: str
    kind: Literal["develop", "service", "advise"]
    share: Decimal
    valid_from: date
    valid_to: date | None


class Contact(Answer, frozen=True):
    """How else a customer can be reached, as our people or the customer noted it; no feed overwrites it."""

    mobile: str | None
    email: str | None
    address: str
    wechat: str
    version: int


class ContactChange(Input, frozen=True):
    """What is left out stays; `mobile` and `email` may be taken away by null."""

    mobile: Mobile | UnsetType | None = UNSET
    email: Email | UnsetType | None = UNSET
    address: ContactText | UnsetType = UNSET
    wechat: ContactText | UnsetType = UNSET


class Preference(Answer, frozen=True):
    """How a customer wants to be reached; times of day in Beijing."""

    language: Literal["zh", "en"]
    channel: Literal["sms", "email", "phone", "in_app"]
    contact_from: TimeOfDay
    contact_to: TimeOfDay
    version: int


class PreferenceChange(Input, frozen=True):
    """How the customer shall be reached from now on, whole."""

    language: Literal["zh", "en"]
    channel: Literal["sms", "email", "phone", "in_app"]
    contact_from: TimeOfDay
    contact_to: TimeOfDay


class RevealWanted(Input, frozen=True):
    """Which masked field is asked for, and why; both stand in the audit log."""

    field: RevealField
    reason: Reason


class Revealed(Answer, frozen=True):
    """The field in full; `left` are the reveals that remain today."""

    field: RevealField
    value: str
    left: int


class Home(Answer, frozen=True):
    """Figures of the customers in one's scope that are not closed; `risk_to_assess` have no level that holds."""

    customers: int
    assets: Money
    opened_this_month: int
    dormant: int
    risk_to_assess: int
    birthdays: int


class CustomerGone(Answer, frozen=True):
    """A customer that one does not see any more (墓碑), by the `id` of its line."""

    id: int


class OwnChanges(Answer, frozen=True):
    """What changed of one's own data, each part whole; null is unchanged. `cursor` is for the next time.

    `resync` says that the cursor cannot be followed: begin afresh, with the empty one of this answer or without any.
    """

    customer: Customer | None
    accounts: list[Account] | None
    contact: Contact | None
    preferences: Preference | None
    devices: list[Device] | None
    cursor: str
    resync: bool = False


class CustomerChanges(Answer, frozen=True):
    """What changed since the cursor; `more` asks for the next part at once, `cursor` is for the next time.

    `resync` says that the cursor is too old, or that one's reach changed: forget everything and begin afresh, with
    the empty cursor of this answer or without any.
    """

    changed: list[CustomerLine]
    gone: list[CustomerGone]
    cursor: str
    more: bool
    resync: bool = False
