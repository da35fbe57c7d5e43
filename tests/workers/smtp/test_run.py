"""The process `hexad mail` says how it is, sends what is there, and ends when it is asked to."""

import asyncio
import signal
import subprocess
import sys

import httpx

from kernel.queues.broker import open_queues
from kernel.settings import Settings
from tests.conftest import child_environment
from tests.workers.smtp.conftest import Relay
from tests.workers.smtp.test_letter import email
from tests.workers.smtp.test_sender import put, receipts


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
        said, _ = await asyncio.to_thread(process.communicate, timeout=20)
    finally:
        process.kill()
    assert process.returncode == 0
    assert b"li.lei" not in said
    assert len(relay.taken) == 1
