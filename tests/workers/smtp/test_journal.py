"""What is noted of a message is found again, and forgotten a month later."""

import pytest

from kernel.store.database import Tx
from tests.workers.smtp.test_letter import email
from workers.smtp import journal
from workers.smtp.journal import Ending, begin, end, forget, known


async def test_a_try_that_was_cut_off_is_seen_at_the_next(tx: Tx) -> None:
    one = email()
    await begin(tx, [one])
    assert (await known(tx, [one.id]))[one.id].unanswered == 1
    await begin(tx, [one])
    found = (await known(tx, [one.id]))[one.id]
    assert (found.tries, found.unanswered, found.status) == (2, 2, None)


async def test_an_answer_is_kept(tx: Tx) -> None:
    one, other = email(1), email(2)
    await begin(tx, [one, other])
    await end(tx, [Ending(one.id, "accepted", "250 2.0.0", "ABC"), Ending(other.id, None, "452", again_in=60)])
    found = await known(tx, [one.id, other.id, email(3).id])
    assert found.keys() == {one.id, other.id}
    assert (found[one.id].status, found[one.id].gateway_id, found[one.id].unanswered) == ("accepted", "ABC", 0)
    assert (found[other.id].status, found[other.id].code) == (None, "452")
    assert found[other.id].again_at is not None


async def test_what_is_long_past_is_forgotten_in_parts(tx: Tx, monkeypatch: pytest.MonkeyPatch) -> None:
    await begin(tx, [email(number) for number in range(1, 6)])
    assert await forget(tx) is False
    assert len(await known(tx, [email(number).id for number in range(1, 6)])) == 5
    await tx.execute("update email_attempt set at = now() - interval '31 days'")
    monkeypatch.setattr(journal, "_CHUNK", 3)
    assert await forget(tx) is True
    assert await forget(tx) is False
    assert await known(tx, [email(1).id]) == {}
