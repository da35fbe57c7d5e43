"""A reply lies where the gateway would put it; what no gateway would pass on is refused."""

import msgspec
import pytest

from hexad.simulators import reply
from kernel.errors import InvalidInput
from kernel.queues import INBOUND
from kernel.queues.broker import open_queues
from kernel.settings import Settings
from mobile_contracts.messaging.outbound import Inbound
from tests.brokers import broker

__all__ = ["broker"]


@pytest.mark.parametrize("text", ["T", "TD", "退订", "谢谢"])
async def test_it_is_a_message_to_our_number(broker: Settings, text: str) -> None:
    sent = await reply.send(broker, "+8613800000000", text)
    async with open_queues(broker) as queues:
        (taken,) = await queues.take(INBOUND, 10, lease=30, wait=5)
    assert msgspec.json.decode(taken.body, type=Inbound) == sent
    assert (sent.gateway, sent.from_number, sent.to, sent.text) == ("simulator-1", "+8613800000000", "10690000", text)


@pytest.mark.parametrize(("number", "text"), [("138 0000 0000 ext. 1", "T"), ("+8613800000000", "x" * 1001)])
async def test_what_is_no_message_is_refused(own_settings: Settings, number: str, text: str) -> None:
    with pytest.raises(InvalidInput):
        await reply.send(own_settings, number, text)
