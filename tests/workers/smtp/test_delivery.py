"""One letter: what the relay answers is what comes back, and a relay that breaks off is asked again."""

import time
from collections.abc import AsyncIterator

import msgspec
import pytest

from kernel.errors import Unavailable
from kernel.settings import Settings
from tests.workers.smtp.conftest import Relay, Serve
from tests.workers.smtp.test_letter import email
from workers.smtp.delivery import deliver
from workers.smtp.letter import Letter, compose
from workers.smtp.pool import Pool
from workers.smtp.rules import Answer

LETTER = compose(email())


@pytest.fixture
async def pool(mailing: Settings) -> AsyncIterator[Pool]:
    pool = Pool(mailing)
    yield pool
    await pool.close()


async def delivered(pool: Pool, letter: Letter = LETTER, *, seconds: float = 30.0, test: bool = False) -> Answer:
    """The answer, which must come."""
    begun = 0

    async def begin() -> None:
        nonlocal begun
        begun += 1

    answer = await deliver(pool, letter, time.monotonic() + seconds, begin, test=test)
    assert begun == 1
    return answer


async def test_a_letter_is_taken(pool: Pool, relay: Relay) -> None:
    answer = await delivered(pool)
    assert (answer.code, answer.lost) == (250, False)
    ((sender, to, message),) = relay.taken
    assert (sender, to) == ("no-reply@firm.cn", "li.lei@b.cn")
    assert message["Message-ID"] == f"<{email().id}@firm.cn>"


@pytest.mark.parametrize(("command", "code"), [("RCPT", 550), ("RCPT", 452), ("DATA", 554), ("DATA", 451)])
async def test_a_refusal_is_the_answer_and_the_connection_stays(
    pool: Pool, relay: Relay, command: str, code: int
) -> None:
    relay.answers[command] = [f"{code} 5.7.1 no"]
    assert (await delivered(pool)).code == code
    assert (await delivered(pool)).code == 250
    assert relay.sessions == 1
    assert len(relay.taken) == 1


@pytest.mark.parametrize("command", ["RCPT", "DATA"])
async def test_a_421_is_this_letters_answer_and_the_next_one_has_a_new_connection(
    pool: Pool, relay: Relay, command: str
) -> None:
    relay.answers[command] = ["421 4.7.0 try again"]
    assert await delivered(pool) == Answer(421, "4.7.0 try again", "RCPT" if command == "RCPT" else "DATA")
    assert pool.problem is None
    assert (await delivered(pool)).code == 250
    assert relay.sessions == 2


async def test_an_answer_that_is_lost_is_said(pool: Pool, relay: Relay) -> None:
    relay.answers["DATA"] = ["lost"]
    answer = await delivered(pool)
    assert (answer.code, answer.lost) == (451, True)
    assert len(relay.taken) == 1


async def test_a_cut_before_the_content_lost_nothing(pool: Pool, relay: Relay) -> None:
    relay.answers["RCPT"] = ["cut"]
    answer = await delivered(pool)
    assert (answer.code, answer.lost) == (451, False)


async def test_a_connection_that_the_relay_left_meanwhile_is_opened_anew(pool: Pool, relay: Relay) -> None:
    await delivered(pool)
    relay.answers["MAIL"] = ["cut"]
    assert (await delivered(pool)).code == 250
    assert relay.sessions == 2


@pytest.mark.parametrize("left", ["cut", "421 4.4.2 relay.firm.cn Error: timeout exceeded"])
async def test_connections_that_the_relay_takes_leave_of_while_they_are_idle_are_no_word_about_us(
    pool: Pool, relay: Relay, left: str
) -> None:
    async with pool.connection(time.monotonic() + 30), pool.connection(time.monotonic() + 30):
        pass
    relay.answers["MAIL"] = [left]
    assert (await delivered(pool)).code == 250
    assert (pool.problem, pool.shown) == (None, None)
    assert relay.sessions == 3


async def test_what_the_relay_says_of_us_at_rcpt_is_shown_until_it_takes_a_message(pool: Pool, relay: Relay) -> None:
    relay.says["@b.cn"] = "554 5.7.1 <li.lei@b.cn>: Relay access denied"
    for _ in range(3):
        assert (await delivered(pool)).code == 554
        await pool.check()
        assert pool.problem is None, "messages are offered again"
        assert "Relay access denied" in (pool.shown or "")
        assert "li.lei" not in (pool.shown or "")
    relay.says.clear()
    assert (await delivered(pool)).code == 250
    assert pool.shown is None


@pytest.mark.parametrize(
    "said",
    ["530 5.7.0 Authentication required", "550 no", "553 5.1.8 <no-reply@firm.cn>: Sender address rejected",
     "452 4.3.1 out of disk", "421 4.3.2 closing"],
)  # fmt: skip
async def test_what_a_relay_says_at_mail_is_its_problem_with_us_in_its_words_until_it_takes_us_again(
    pool: Pool, relay: Relay, said: str
) -> None:
    relay.of_us = said
    answer = await delivered(pool)
    assert answer.stage == "MAIL"
    for _ in range(3):
        with pytest.raises(Unavailable):
            await pool.check()
        assert said.partition("<")[0] in (pool.problem or "")
        assert "no-reply" not in (pool.problem or "")
    relay.of_us = ""
    await pool.check()
    assert pool.problem is None
    assert (await delivered(pool)).code == 250


async def test_a_relay_that_does_not_like_our_name_is_a_problem_and_the_name_a_setting(
    mailing: Settings, relay: Relay
) -> None:
    relay.of_our_name = "504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname"
    pool = Pool(mailing)
    with pytest.raises(Unavailable, match="Helo command rejected"):
        await pool.check()
    relay.of_our_name = ""
    named = Pool(msgspec.structs.replace(mailing, smtp_helo="mail.firm.cn"))
    await named.check()
    assert relay.names[-1] == "mail.firm.cn"
    await named.close()


async def test_our_own_name_is_a_full_one_or_an_address(pool: Pool, relay: Relay) -> None:
    await pool.check()
    assert "." in relay.names[-1]
    assert not relay.names[-1].startswith("localhost")


async def test_a_relay_that_stays_away_has_not_heard_of_it(pool: Pool) -> None:
    with pytest.raises(Unavailable):
        await deliver(pool, LETTER, time.monotonic() + 30, _never)
    assert pool.problem


async def test_a_slow_relay_is_left_and_asked_again(pool: Pool, relay: Relay) -> None:
    relay.slow.clear()
    assert (await delivered(pool)).lost
    relay.slow.set()
    assert (await delivered(pool)).code == 250


async def test_a_letter_larger_than_the_relay_takes_is_refused_without_asking(mailing: Settings, serve: Serve) -> None:
    async with serve(mailing.smtp_port, data_size_limit=1000) as relay:
        pool = Pool(mailing)
        answer = await delivered(pool, compose(email(text="x" * 2000)))
        assert (answer.code, answer.message[:5], pool.problem) == (552, "5.3.4", None)
        assert relay.taken == []
        await pool.close()


async def _never() -> None:
    raise AssertionError("nothing is begun without a connection")


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
        assert (await delivered(pool, wide)).code == 250
        monkeypatch.setattr("aiosmtplib.SMTP.supports_extension", lambda *_: False)
        assert (await delivered(pool, wide)).code == 553
        assert [to for _, to, _ in relay.taken] == ["张三@b.cn"]
