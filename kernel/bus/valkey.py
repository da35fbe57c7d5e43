"""The bus on the publish and subscribe of Valkey or Redis."""

from typing import NoReturn

import redis.asyncio as valkey
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from kernel.bus.client import Bus, Heard, pass_on
from kernel.errors import Unavailable
from kernel.settings import Settings
from kernel.store import outside

LOOK_SECONDS = 10.0
"""How often a listener asks whether its connection still lives."""

_ANSWER_SECONDS = 2.0
_LOST = (RedisError, OSError, TimeoutError)


class ValkeyBus(Bus):
    """`Bus` on `settings.bus_url`; the channel carries `settings.queue_prefix`, so that installations can share one."""

    def __init__(self, settings: Settings) -> None:
        super().__init__("Valkey")
        self._channel = f"{settings.queue_prefix}hexad"
        self._client = valkey.Redis.from_url(
            settings.bus_url,
            socket_timeout=_ANSWER_SECONDS,
            socket_connect_timeout=_ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )

    async def _tell(self, messages: list[str]) -> None:
        outside.call("Valkey")
        try:
            async with self._client.pipeline(transaction=False) as pipe:
                for message in messages:
                    pipe.publish(self._channel, message)
                await pipe.execute()
        except _LOST as error:
            raise Unavailable(f"Valkey does not answer: {type(error).__name__}") from error

    async def close(self) -> None:
        """See `Bus`."""
        await self._client.aclose()

    async def _hear(self, heard: Heard) -> NoReturn:
        try:
            async with self._client.pubsub() as subscription:
                await subscription.subscribe(self._channel)
                while True:
                    await self._next(subscription, heard)
        except _LOST as error:
            raise Unavailable(f"Valkey does not answer: {type(error).__name__}") from error

    async def _next(self, subscription: valkey.client.PubSub, heard: Heard) -> None:
        """One message, or a question whether anybody is still there, which the next call must find answered."""
        message = await subscription.get_message(timeout=LOOK_SECONDS)
        if message is None:
            await subscription.ping()
            message = await subscription.get_message(timeout=_ANSWER_SECONDS)
            if message is None:
                raise TimeoutError
        if message["type"] == "subscribe":
            heard(None)
        elif message["type"] == "message":
            pass_on(message["data"], heard)
