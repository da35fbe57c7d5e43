"""One letter: what the relay answers is what comes back, and a relay that breaks off is asked again."""

import time
from collections.abc import AsyncIterator

import pytest

from kernel.settings import Settings
from tests.workers.smtp.conftest import Relay, Serve
from tests.workers.smtp.test_letter import email
from workers.smtp.delivery import Answer, deliver
from workers.smtp.letter import compose
from workers.smtp.pool import Pool

LETTER = compose(email())


@pytest.fixture
async def pool(mailing: Settings) -> AsyncIterator[Pool]:
    pool = Pool(mailing)
    yield pool
    await pool.close()


async def delivered(pool: Pool, *, seconds: float = 5.0, test: bool = False) -> Answer:
    """The answer, which must come."""
    answer = await deliver(pool, LETTER, time.monotonic() + seconds, test=test)
    assert answer is not None
    return answer


async def test_a_letter_is_taken(pool: Pool, relay: Relay) -> None:
    answer = await delivered(pool)
    assert (answer.code, answer.repeated) == (250, False)
    ((sender, to, message),) = relay.taken
    assert (sender, to) == ("no-reply@firm.cn", "li.lei@b.cn")
    assert message["Message-ID"] == f"<{email().id}@firm.cn>"


@pytest.mark.parametrize(
    ("command", "code"), [("RCPT", 550), ("RCPT", 452), ("DATA", 554), ("DATA", 451), ("MAIL", 550)]
)
async def test_a_refusal_is_the_answer_and_the_connection_stays(
    pool: Pool, relay: Relay, command: str, code: int
) -> None:
    relay.answers[command] = [f"{code} 5.7.1 no"]
    assert (await delivered(pool)).code == code
    assert (await delivered(pool)).code == 250
    assert relay.sessions == 1
    assert len(relay.taken) == 1


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
async def test_a_421_opens_the_connection_anew(pool: Pool, relay: Relay, command: str) -> None:
    relay.answers[command] = ["421 4.7.0 try again"]
    answer = await delivered(pool)
    assert (answer.code, answer.repeated) == (250, False)
    assert relay.sessions == 2
    assert len(relay.taken) == 1


async def test_a_relay_that_takes_it_and_breaks_off_gets_the_same_letter_again_and_that_is_said(
    pool: Pool, relay: Relay
) -> None:
    relay.answers["DATA"] = ["lost"]
    assert (await delivered(pool)).repeated
    assert len({message["Message-ID"] for _, _, message in relay.taken}) == 1


async def test_a_cut_before_the_content_is_no_repeat(pool: Pool, relay: Relay) -> None:
    relay.answers["RCPT"] = ["cut"]
    answer = await delivered(pool)
    assert (answer.code, answer.repeated) == (250, False)


async def test_a_relay_that_is_full_for_everybody_is_asked_again(pool: Pool, relay: Relay) -> None:
    relay.answers["MAIL"] = ["452 4.3.1 out of disk", "452 4.3.1 out of disk"]
    assert (await delivered(pool)).code == 250


async def test_a_relay_that_wants_us_to_sign_in_refuses_no_letter(pool: Pool, relay: Relay) -> None:
    relay.answers["MAIL"] = ["530 5.7.0 Authentication required"] * 100
    assert await deliver(pool, LETTER, time.monotonic() + 0.5) is None
    assert "530" in (pool.problem or "")


async def test_a_relay_that_stays_away_gives_no_answer(pool: Pool) -> None:
    assert await deliver(pool, LETTER, time.monotonic() + 0.5) is None
    assert pool.problem


async def test_a_slow_relay_is_left_and_asked_again(pool: Pool, relay: Relay) -> None:
    relay.slow.clear()
    assert await deliver(pool, LETTER, time.monotonic() + 1.5) is None
    relay.slow.set()
    assert (await delivered(pool)).code == 250


async def test_in_a_test_everything_is_asked_and_nothing_handed_over(pool: Pool, relay: Relay) -> None:
    assert (await delivered(pool, test=True)).message.startswith("2.1.5 test")
    relay.answers["RCPT"] = ["550 5.1.1 no such mailbox"]
    assert (await delivered(pool, test=True)).code == 550
    assert relay.taken == []


async def test_an_address_that_the_relay_cannot_write_is_refused_by_us(
    pool: Pool, mailing: Settings, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = compose(email(to="张三@b.cn"))
    async with serve(mailing.smtp_port) as relay:
        assert await deliver(pool, wide, time.monotonic() + 5) == Answer(
            250, "2.0.0 Ok: queued as ABC-1", repeated=False
        )
        monkeypatch.setattr("aiosmtplib.SMTP.supports_extension", lambda *_: False)
        answer = await deliver(pool, wide, time.monotonic() + 5)
        assert answer is not None
        assert answer.code == 553
        assert [to for _, to, _ in relay.taken] == ["张三@b.cn"]
