"""What the simulators took is there to read."""

import asyncio
import json

import pytest

from hexad.embedded import located
from kernel.queues.broker import open_queues
from kernel.settings import parse
from tests.hexad.running import Up
from tests.workers.smtp.test_letter import email
from tests.workers.smtp.test_sender import put

pytestmark = pytest.mark.xdist_group("up")


def test_a_reply_is_taken_by_the_running_system(system: Up) -> None:
    assert system.run("simulate", "reply", "--from", "+8613800000000", "--text", "hello").returncode == 0
    refused = system.run("simulate", "reply", "--from", "nobody", "--text", "T")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)


async def test_an_e_mail_goes_all_the_way_to_the_mailbox_of_a_running_system(system: Up) -> None:
    given = {name: value for name, value in system.environment.items() if name.startswith("HEXAD_")}
    link = "<https://hexad.firm.cn/v1/auth/unsubscribe?token=A>"
    async with open_queues(located(parse(given))) as queues:
        await put(queues, email(to="all.the.way@b.cn", headers={"List-Unsubscribe": link}))
    found = await asyncio.to_thread(system.run, "mailbox", "--to", "all.the.way@b.cn", "--wait", "30", "--json")
    assert json.loads(found.stdout)[0]["headers"]["List-Unsubscribe"] == link


def test_the_inbox_shows_what_was_sent(system: Up) -> None:
    assert system.run("simulate", "inbox").returncode == 0
