"""The process `hexad mail` says how it is, sends what is there, and ends when it is asked to."""

import asyncio
import signal
import subprocess
import sys

import httpx
import msgspec

from bench.listener import listening
from kernel.queues.broker import open_queues
from kernel.settings import Settings
from tests.conftest import child_environment
from tests.workers.smtp.conftest import Relay
from tests.workers.smtp.test_letter import email
from tests.workers.smtp.test_sender import SERVICE, put, receipts


async def test_it_stops_within_the_drain_though_the_relay_is_away_and_its_messages_come_again(
    mailing: Settings,
) -> None:
    away = msgspec.structs.replace(mailing, drain=1.0, smtp_timeout=2.0)
    async with open_queues(away) as queues:
        await put(queues, email())
        async with listening(_say_nothing, away.smtp_port):
            process = subprocess.Popen([sys.executable, "-m", "hexad.main", "mail"], env=child_environment(away))
            try:
                async with httpx.AsyncClient() as client, asyncio.timeout(60):
                    while not await _says(client, away, "relay"):
                        await asyncio.sleep(0.1)
                process.send_signal(signal.SIGTERM)
                assert await asyncio.to_thread(process.wait, 60) == 0
            finally:
                process.kill()
        assert await queues.size(SERVICE) == 1


async def _say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def _says(client: httpx.AsyncClient, settings: Settings, text: str) -> bool:
    try:
        answer = await client.get(f"http://127.0.0.1:{settings.mailer_port}/health/ready")
    except httpx.HTTPError:
        return False
    return text in answer.text


async def test_it_sends_and_stops(mailing: Settings, relay: Relay) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "hexad.main", "mail"], env=child_environment(mailing), stdout=subprocess.PIPE
    )
    try:
        async with open_queues(mailing) as queues, httpx.AsyncClient() as client:
            await put(queues, email())
            assert [one.status for one in await receipts(queues, 1)] == ["accepted"]
            answer = await client.get(f"http://127.0.0.1:{mailing.mailer_port}/health/ready")
            assert (answer.status_code, answer.json()["problems"]) == (200, [])
        process.send_signal(signal.SIGTERM)
        said, _ = await asyncio.to_thread(process.communicate, timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0
    assert b"li.lei" not in said
    assert len(relay.taken) == 1
