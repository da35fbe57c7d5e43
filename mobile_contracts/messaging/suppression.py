"""Suppressions (停发): addresses to which nothing more goes, since they reach nobody or their owner complained."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from mobile_contracts.base import Answer

SuppressionReason = Literal["hard_bounce", "complaint"]


class Suppression(Answer, frozen=True):
    """One address of a customer, and the message after which nothing more goes there; one for each reason."""

    id: int
    customer_no: str
    name: str
    channel: Literal["sms", "email"]
    reason: SuppressionReason
    message_id: UUID
    at: datetime
    current: Annotated[bool, Meta(description="it is the address that the customer has today")]
