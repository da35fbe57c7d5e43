"""The bench's SMS gateway: takes what is for people, answers each with one receipt, keeps nothing."""

import asyncio
from datetime import UTC, datetime

import msgspec
import uvloop

from kernel import settings
from kernel.queues import RECEIPTS, Queue
from kernel.queues.broker import open_queues
from kernel.queues.client import Message, Queues
from mobile_contracts.messaging.outbound import Receipt, Sms

QUEUE = Queue("outbound.sms.service.main")
NAME = "bench-1"
_BATCH = 500
_GATHERING = 0.03
"""A pause in which messages gather, when there were few: every answer waits for a confirmation."""


async def serve() -> None:
    """Answers until it is ended."""
    async with open_queues(settings.current()) as queues:
        await _serve(queues)


async def _serve(queues: Queues) -> None:
    encoder, decoder = msgspec.json.Encoder(), msgspec.json.Decoder(Sms)
    while True:
        taken = await queues.take(QUEUE, _BATCH, lease=60, wait=1)
        now, answers = datetime.now(UTC), []
        for delivery in taken:
            sms = decoder.decode(delivery.body)
            receipt = Receipt(
                id=sms.id, gateway=NAME, gateway_id=sms.id.hex, status="delivered", code="DELIVRD", at=now
            )
            answers.append(Message(encoder.encode(receipt), id=str(sms.id)))
        await queues.publish(RECEIPTS, answers)
        await queues.acknowledge(taken)
        if len(taken) < _BATCH:
            await asyncio.sleep(_GATHERING)


if __name__ == "__main__":
    uvloop.run(serve())
