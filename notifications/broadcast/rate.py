"""Rate limits (限速): a token bucket per gateway, channel, purpose and sender, shared by all who send.

It fills by the gateway's rate and holds `AHEAD_SECONDS` of it. Who looks into it takes nothing yet: what was handed
over is spent with its record, so several who look at the same moment may overdraw it by a batch each, and all wait.
Codes (`code.py`) do not wait: they have limits of their own.
"""

from pathlib import Path

from msgspec import Struct, structs

from kernel.settings import Settings
from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.messaging.outbound import Purpose

GATEWAY = "main"
"""The first gateway of each channel, and the only one so far."""

AHEAD_SECONDS = 30
"""So much of a gateway's rate is published ahead, no more: what still waits can be stopped."""

_sql = load(Path(__file__).with_name("rate.sql"))


class Lane(Struct, frozen=True):
    """What has a rate of its own, and the rate in messages per second; `sender` is an access number or an address."""

    gateway: str
    channel: str
    purpose: str
    sender: str
    rate: int

    @property
    def most(self) -> int:
        """What the bucket holds."""
        return self.rate * AHEAD_SECONDS


def lane(settings: Settings, channel: str, purpose: Purpose) -> Lane:
    """The lane of messages of one purpose, by `sms` or `email`."""
    own = settings
    sender, number = (own.sms_sender, own.sms_rate) if channel == "sms" else (own.email_from, own.email_rate)
    return Lane(GATEWAY, channel, purpose, sender, number)


async def left(tx: Tx, lane: Lane) -> int:
    """How many messages may be handed over now; not above zero when it is overdrawn."""
    found: float | None = await _sql.left(tx, **structs.asdict(lane), most=lane.most)
    return lane.most if found is None else int(found)


async def spend(tx: Tx, lane: Lane, number: int) -> None:
    """Takes so many out of the bucket, more than there are too; others who spend wait until the transaction ends."""
    await _sql.spend(tx, **structs.asdict(lane), most=lane.most, number=number)
