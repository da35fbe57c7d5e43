"""Both brokers and both buses, each with names of the test's own: the fixtures run a test once on each."""

import asyncio
import contextlib
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache

import aiormq
import msgspec
import pytest
import redis
from yarl import URL

from kernel.queues import GATEWAY_EXCHANGE, OUTBOUND_EXCHANGE, QUEUES
from kernel.settings import Settings
from tests.conftest import BROKER_URL, REDIS_URL


@cache
def rabbitmq_answers() -> bool:
    """Whether there is a RabbitMQ at the usual place; with CI=true there must be."""

    async def ask() -> bool:
        try:
            connection = await asyncio.wait_for(aiormq.connect(BROKER_URL), 30)
        except (OSError, TimeoutError, aiormq.AMQPError):
            return False
        await connection.close()
        return True

    return os.environ.get("CI") == "true" or asyncio.run(ask())


def needs_rabbitmq() -> None:
    """Skips the test where no RabbitMQ answers."""
    if not rabbitmq_answers():
        pytest.skip(f"no RabbitMQ answers at {BROKER_URL}")


def on_rabbitmq(settings: Settings, url: str = BROKER_URL) -> Iterator[Settings]:
    """The settings with RabbitMQ as broker; the queues are deleted afterwards."""
    needs_rabbitmq()
    prefix = f"test-{secrets.token_hex(4)}."
    yield msgspec.structs.replace(settings, broker_url=url, queue_prefix=prefix)
    asyncio.run(_delete(prefix))


@pytest.fixture(params=["pgmq", "rabbitmq"])
def broker(request: pytest.FixtureRequest, own_settings: Settings) -> Iterator[Settings]:
    """Settings of one broker, on a database of the test's own."""
    if request.param == "pgmq":
        yield own_settings
    else:
        yield from on_rabbitmq(own_settings)


async def _delete(prefix: str) -> None:
    async with await aiormq.connect(BROKER_URL) as connection:
        channel = await connection.channel()
        for queue in QUEUES:
            await channel.queue_delete(prefix + queue.name)
        for exchange in (OUTBOUND_EXCHANGE, GATEWAY_EXCHANGE):
            await channel.exchange_delete(prefix + exchange)


@contextlib.contextmanager
def rabbitmq_user(name: str, settings: Settings) -> Iterator[str]:
    """The address of RabbitMQ for a user with the permissions that the documents give a gateway, gone afterwards.

    Skips where no user can be made, but not with CI=true.
    """
    if shutil.which("rabbitmqctl") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("with CI=true there must be a rabbitmqctl to make a user with")
        pytest.skip("there is no rabbitmqctl to make a user with")
    password, prefix = secrets.token_hex(16), re.escape(settings.queue_prefix)
    _rabbitmqctl("add_user", name, password)
    try:
        reads = f"^{prefix}outbound\\.sms\\.[a-z]+\\.main$"
        _rabbitmqctl("set_permissions", name, "^$", f"^{prefix}hexad\\.gateway$", reads)
        url = URL(BROKER_URL).with_user(name).with_password(password)
        yield str(url)
    finally:
        _rabbitmqctl("delete_user", name)


def _rabbitmqctl(*words: str) -> None:
    subprocess.run(("rabbitmqctl", "-q", *words), check=True, timeout=120)


def on_valkey(settings: Settings, url: str = REDIS_URL) -> Iterator[Settings]:
    """The settings with Valkey or Redis as bus, where one answers; with CI=true one must."""
    if not valkey_answers():
        pytest.skip(f"no Valkey or Redis answers at {REDIS_URL}")
    yield msgspec.structs.replace(settings, bus_url=url, queue_prefix=f"test-{secrets.token_hex(4)}.")


@cache
def valkey_answers() -> bool:
    """Whether there is a Valkey or Redis at the usual place; with CI=true there must be."""
    try:
        with redis.Redis.from_url(REDIS_URL, socket_timeout=30) as client:
            client.ping()
    except (redis.RedisError, OSError):
        return os.environ.get("CI") == "true"
    return True


@pytest.fixture(params=["postgres", "valkey"])
def bus_settings(request: pytest.FixtureRequest, own_settings: Settings) -> Iterator[Settings]:
    """Settings of one bus, on a database of the test's own."""
    if request.param == "postgres":
        yield own_settings
    else:
        yield from on_valkey(own_settings)
