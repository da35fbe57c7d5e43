"""E-mail through every outage: the relay goes, cuts, dawdles and hangs up, the sender is killed; nothing is lost.

What is sent twice is what cannot be known: the relay had the content, and its answer was never heard. It is the same
mail then, and the receipt says so.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import msgspec
import psycopg
import pytest

from bench.listener import listening
from hexad.health import problem
from kernel.queues.broker import open_queues
from kernel.settings import Settings
from tests.faults.stand import Stand
from tests.workers.smtp.conftest import Relay, Serve, serve
from tests.workers.smtp.test_letter import email
from tests.workers.smtp.test_sender import SERVICE, put, receipts

__all__ = ["serve"]

SENT = [email(number) for number in range(1, 21)]
PATIENT = 5.0
"""Seconds for which an answer is waited for where nothing is to be sent twice: the relay is this process, which a busy
machine may hold up, and what is held by one that was killed comes again after eight times as long."""


@pytest.fixture
def mail(stand: Stand) -> Settings:
    """Settings of a stand whose relay is to be had on this host."""
    stand.settings = msgspec.structs.replace(
        stand.settings,
        smtp_host="127.0.0.1",
        smtp_port=stand.free_port(),
        smtp_tls="never",
        smtp_timeout=1.0,
        smtp_retry=0.3,
    )
    return stand.settings


async def all_answered(settings: Settings, count: int = len(SENT)) -> list[str]:
    """The codes of the receipts, one for each message, all accepted."""
    async with open_queues(settings) as queues:
        found = await receipts(queues, count)
    assert len({one.id for one in found}) == count
    assert {one.status for one in found} == {"accepted"}
    return [one.code for one in found]


def copies(relay: Relay) -> Counter[str]:
    """How often the relay took each message."""
    return Counter(message["Message-ID"] for _, _, message in relay.taken)


@contextlib.asynccontextmanager
async def cutter(port: int, far: int, after: int) -> AsyncIterator[None]:
    """A way to the relay on which the first connection that passes so many bytes to it breaks there."""
    cut = False

    async def forth(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal cut
        passed = 0
        while data := await reader.read(1024):
            passed += len(data)
            if passed > after and not cut:
                cut = True
                return
            writer.write(data)

    async def back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", far)
        ways = [asyncio.create_task(forth(reader, far_writer)), asyncio.create_task(back(far_reader, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            far_writer.transport.abort()
            writer.transport.abort()
            for one in ways:
                one.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async with listening(pass_on, port):
        yield


@pytest.mark.timeout(600)
async def test_the_relay_is_away_and_comes_back_twice(stand: Stand, mail: Settings, serve: Serve) -> None:
    stand.settings = mail = msgspec.structs.replace(mail, smtp_timeout=PATIENT)
    async with open_queues(mail) as queues:
        await put(queues, *SENT)
    stand.start("mail")
    await stand.until(60, "it says that the relay is away", lambda: stand.says("mailer", "/health/ready", "relay"))
    async with serve(mail.smtp_port) as relay:
        await all_answered(mail)
    async with open_queues(mail) as queues:
        await put(queues, email(99))
    await asyncio.sleep(1)
    async with serve(mail.smtp_port) as later:
        await all_answered(mail, 1)
    assert copies(relay) == Counter({f"<{one.id}@firm.cn>": 1 for one in SENT})
    assert len(later.taken) == 1


@pytest.mark.timeout(600)
async def test_a_connection_that_is_cut_in_the_middle_of_the_content(
    stand: Stand, mail: Settings, serve: Serve
) -> None:
    port = stand.free_port()
    async with serve(port) as relay, cutter(mail.smtp_port, port, after=5_000):
        async with open_queues(mail) as queues:
            await put(queues, email(1, text="长" * 20_000))
        stand.start("mail")
        assert [code.endswith("again") for code in await all_answered(mail, 1)] == [True]
        stand.processes["mail"].stop()
    assert len(relay.taken) == 1


@pytest.mark.timeout(600)
async def test_a_relay_that_dawdles_hangs_up_and_loses_its_answers(stand: Stand, mail: Settings, serve: Serve) -> None:
    async with serve(mail.smtp_port) as relay:
        relay.answers["MAIL"] = ["421 4.7.0 closing", "452 4.3.1 no room"]
        relay.answers["RCPT"] = ["421 4.7.0 closing", "cut"]
        relay.answers["DATA"] = ["421 4.7.0 closing", "lost", "cut"]
        relay.slow.clear()
        async with open_queues(mail) as queues:
            await put(queues, *SENT)
        stand.start("mail")
        await stand.until(60, "the relay has heard of a message", lambda: _heard(relay))
        await asyncio.sleep(1.2)  # longer than it is waited for
        relay.slow.set()
        codes = await all_answered(mail)
    twice = [message for message, times in copies(relay).items() if times > 1]
    print(
        f"\n{stand.broker}: {len(relay.taken)} taken of {len(SENT)}, {len(twice)} twice, by {relay.sessions} sessions"
    )
    assert copies(relay).keys() == {f"<{one.id}@firm.cn>" for one in SENT}
    assert len(twice) <= sum(code.endswith("again") for code in codes)


@pytest.mark.timeout(600)
async def test_the_sender_is_killed_while_the_relay_answers(stand: Stand, mail: Settings, serve: Serve) -> None:
    stand.settings = mail = msgspec.structs.replace(mail, smtp_timeout=PATIENT)
    async with serve(mail.smtp_port) as relay:
        relay.slow.clear()
        async with open_queues(mail) as queues:
            await put(queues, email(1))
        stand.start("mail")
        await stand.until(60, "the relay has the content", lambda: _heard(relay))
        stand.processes["mail"].kill()
        relay.slow.set()
        stand.processes["mail"].start()
        assert [code.endswith("again") for code in await all_answered(mail, 1)] == [True]
    assert list(copies(relay).values()) == [2]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("stand", ["pgmq"], indirect=True)
async def test_the_sender_is_killed_before_it_could_tell_anybody_and_sends_nothing_twice(
    stand: Stand, mail: Settings, serve: Serve
) -> None:
    async with serve(mail.smtp_port) as relay, open_queues(mail) as queues:
        await put(queues, email(1))
        with _nobody_hears_receipts(mail):
            stand.start("mail")
            accepted = "count(*) = 1", "email_attempt where status = 'accepted'"
            await stand.until(60, "the answer is noted", lambda: stand.is_so(*accepted))
            stand.processes["mail"].kill()
        stand.processes["mail"].start()
        assert await all_answered(mail, 1) == ["250 2.0.0"]
        await stand.until(60, "the message is done with", lambda: _empty(mail))
    assert list(copies(relay).values()) == [1]
    assert "li.lei" not in stand.processes["mail"].log


@contextlib.contextmanager
def _nobody_hears_receipts(settings: Settings) -> Iterator[None]:
    """The queue of receipts takes nothing until the block ends."""
    with psycopg.connect(settings.owner_url) as connection:
        connection.execute("lock table pgmq.q_gateway_receipts in access exclusive mode")
        yield
        connection.rollback()


@pytest.mark.timeout(600)
async def test_a_domain_that_puts_a_thousand_off_holds_up_nobody_and_outlives_kills(
    stand: Stand, mail: Settings, serve: Serve
) -> None:
    stand.settings = mail = msgspec.structs.replace(mail, smtp_retry=5.0, smtp_timeout=PATIENT)
    slow = [email(number, to=f"c{number}@slow.cn") for number in range(101, 1101)]
    async with serve(mail.smtp_port) as relay:
        relay.says["@slow.cn"] = "451 4.7.1 greylisted"
        async with open_queues(mail) as queues:
            await put(queues, *slow, *SENT)
        stand.start("mail")
        await all_answered(mail)
        assert stand.processes["mail"].running
        waiting = "count(*) = 1000", "email_deferred"
        await stand.until(60, "all that was put off has left the queue", lambda: stand.is_so(*waiting))
        stand.processes["mail"].kill()
        await stand.until(60, "the relay has read what was on its way", lambda: _left(relay))
        relay.says.clear()  # not before: what it took unheard would be sent again
        stand.processes["mail"].start()
        stand.start("mail#2", settings=msgspec.structs.replace(mail, mailer_port=stand.free_port()))
        await all_answered(mail, len(slow))
        await stand.until(60, "nothing waits any more", lambda: stand.is_so("count(*) = 0", "email_deferred"))
    assert max(copies(relay).values()) == 1
    assert len(relay.taken) == len(slow) + len(SENT)


@pytest.mark.timeout(600)
async def test_a_kill_in_the_middle_of_a_batch_sends_only_what_was_under_way_again(
    stand: Stand, mail: Settings, serve: Serve
) -> None:
    async with serve(mail.smtp_port) as relay:
        relay.stalls.add("stuck@b.cn")
        stand.settings = mail = msgspec.structs.replace(mail, smtp_timeout=3.0)
        async with open_queues(mail) as queues:
            await put(queues, email(99, to="stuck@b.cn"), *SENT)
        stand.start("mail")
        await all_answered(mail)
        stand.processes["mail"].kill()
        relay.go_on.set()
        stand.processes["mail"].start()
        assert [code.endswith("again") for code in await all_answered(mail, 1)] == [True]
    assert sum(copies(relay).values()) == len(SENT) + 2


@pytest.mark.timeout(600)
@pytest.mark.parametrize("stand", ["pgmq"], indirect=True)
async def test_the_sender_says_in_the_relays_words_that_it_is_refused_and_does_not_flicker(
    stand: Stand, mail: Settings, serve: Serve
) -> None:
    async with serve(mail.smtp_port) as relay:
        stand.start("mail")
        await stand.until(60, "it is ready", lambda: stand.says("mailer", "/health/ready", '"ok"'))
        relay.of_us = "530 5.7.0 Must issue a STARTTLS command first"
        async with open_queues(mail) as queues:
            await put(queues, *SENT)
        refused = "refuses us at MAIL: 530 5.7.0 Must issue a STARTTLS command first"
        await stand.until(60, "it says why", lambda: stand.says("mailer", "/health/ready", refused))
        told = await asyncio.to_thread(problem, f"127.0.0.1:{mail.mailer_port}")
        assert refused in told, "what `hexad doctor` prints"
        answers = [await stand.asks("mailer", "/health/ready") for _ in range(30)]
        assert {status for status, _ in answers} == {503}
        assert all(refused in text for _, text in answers)
        relay.of_us = ""
        await all_answered(mail)
    assert await stand.value("select count(*) from email_attempt where status <> 'accepted'") == 0


async def _heard(relay: Relay) -> bool:
    return relay.open > 0


async def _left(relay: Relay) -> bool:
    return relay.connected == 0


async def _empty(settings: Settings) -> bool:
    async with open_queues(settings) as queues:
        return await queues.size(SERVICE) == 0
