"""A text message from a person to us, put where the simulated gateway would put it."""

from datetime import UTC, datetime
from uuid import uuid4

import msgspec

from hexad.simulators.rules import GATEWAY
from kernel.errors import InvalidInput
from kernel.queues import INBOUND
from kernel.queues.broker import open_queues
from kernel.queues.client import Message
from kernel.settings import Settings
from mobile_contracts.messaging.outbound import Inbound


async def send(settings: Settings, number: str, text: str) -> Inbound:
    """Sends it to our access number; raises `InvalidInput` for what no gateway would pass on, and `Unavailable`."""
    given = {"schema": "hexad.inbound/1", "gateway": GATEWAY, "gateway_id": uuid4().hex, "from": number,
             "to": settings.sms_sender, "text": text, "at": datetime.now(UTC)}  # fmt: skip
    try:
        reply = msgspec.convert(given, Inbound)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"no gateway passes that on: {error}", "网关不会转发该内容") from error
    async with open_queues(settings) as queues:
        await queues.publish(INBOUND, [Message(msgspec.json.encode(reply), id=reply.gateway_id)])
    return reply
