"""The bench's gateway answers every message once."""

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import uuid_utils.compat as uuid

from bench import gateway
from kernel import settings as module
from kernel.queues import RECEIPTS
from kernel.queues.broker import open_queues
from kernel.queues.client import Message
from kernel.settings import Settings
from mobile_contracts.messaging.outbound import Receipt, Sms


async def test_each_message_has_its_receipt(own_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "current", lambda: own_settings)
    now = datetime.now(UTC)
    sms = Sms(id=uuid.uuid7(), purpose="service", to="+8613800138000", sender="1069", text="x", segments=1,
              created_at=now, expires_at=now + timedelta(hours=1), attempt=1)  # fmt: skip
    serving = asyncio.create_task(gateway.serve())
    async with open_queues(own_settings) as queues:
        await queues.publish(gateway.QUEUE, [Message(msgspec.json.encode(sms))])
        (answer,) = await queues.take(RECEIPTS, 5, lease=30, wait=10)
        receipt = msgspec.json.decode(answer.body, type=Receipt)
        assert (receipt.id, receipt.gateway, receipt.status) == (sms.id, gateway.NAME, "delivered")
    serving.cancel()
    await asyncio.wait([serving])
