"""What travels between Hexad and the advisory platform (投顾平台), over its HTTP API."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from mobile_contracts.base import CODE, CODE_LENGTH, NO_CONTROLS
from mobile_contracts.product.product import Price

_Code = Annotated[str, Meta(min_length=1, max_length=CODE_LENGTH, pattern=CODE)]


class Order(Struct, frozen=True):
    """A subscription as it is asked for; `subscription_id` is its Idempotency-Key: repeating it changes nothing."""

    subscription_id: UUID
    customer_no: str
    product_code: str
    price: Price | None
    agreement_version: int
    requested_at: datetime


class PlatformContract(Struct, frozen=True):
    """A contract as the platform has it: the columns of the feed `contract`."""

    contract_no: _Code
    customer_no: _Code
    product_code: _Code
    kind: Literal["advisory", "service", "product", "trial"]
    signed_on: date
    ended_on: date | None = None

    def __post_init__(self) -> None:
        if self.ended_on is not None and self.ended_on < self.signed_on:
            raise ValueError("ended before it was signed")


class Verdict(Struct, frozen=True):
    """The platform's answer to an order or its cancelling; `accepted` bears the contract."""

    status: Literal["accepted", "pending", "refused", "cancelled"]
    reason: Annotated[str, Meta(max_length=200, pattern=NO_CONTROLS)] = ""
    contract: PlatformContract | None = None


class ContractNews(Struct, frozen=True):
    """A contract that is new or changed, in the order in which that happened; of which order, if it came by one."""

    position: Annotated[int, Meta(ge=1, le=2**62)]
    contract: PlatformContract
    subscription_id: UUID | None = None


class ContractsRead(Struct, frozen=True):
    """What is new after a position, `more` when there is more."""

    items: list[ContractNews]
    more: bool = False
