"""What can be written to is one thing, for Python, PostgreSQL, the queue and the letter."""

import string
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import uuid_utils.compat as uuid
from hypothesis import given
from hypothesis import strategies as some

from kernel.store.database import Tx
from mobile_contracts.address import SENDABLE, Address
from mobile_contracts.messaging.outbound import Email
from workers.smtp.letter import compose

GOOD = ["a@b.cn", "o'k+x@sub.c-d.cn", "张三@example.com", "a_b.c@x.xn--fiqs8s", f"{'a' * 64}@b.cn", "0@1.cn"]
BAD = [
    "", "13800138000", "无", "a@b.cn;c@d.cn", "x@例子.公司", "ok@c_d.cn", "a@b..com", "x;y@c.cn", "a..b@c.cn",
    ".a@c.cn", "a.@c.cn", "a@-b.cn", "a@b-.cn", "a@b.cn\n", "\na@b.cn", "a b@c.cn", "a@localhost", "a@b.c", "a@1.2.3.4",
    f"{'a' * 65}@b.cn", f"a@{'b' * 64}.cn", f"a@{'b.' * 130}cn", '"a"@b.cn', "a@b@c.cn", "a@[1.2.3.4]", "a\u200b@b.cn",
    "a@b.cn,c@d.cn", "Anna <a@b.cn>", "a@b.cn\u2028",
]  # fmt: skip
PIECES = some.sampled_from(["a", "B7", ".", "..", "@", "-", "_", "张", "é", ";", " ", "\n", "b.cn", "x" * 63, "+", "'"])


def taken(kind: object, value: object) -> bool:
    """Whether a contract takes it."""
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def letter(address: str) -> Email:
    """A letter to an address."""
    now = datetime.now(UTC)
    return Email(
        id=uuid.uuid7(), purpose="service", to=address, from_address="Hexad <a@b.cn>", reply_to=None, subject="x",
        text="x", html="x", headers={}, created_at=now, expires_at=now + timedelta(hours=1), attempt=1,
    )  # fmt: skip


@pytest.mark.parametrize(("address", "good"), [*((one, True) for one in GOOD), *((one, False) for one in BAD)])
async def test_everybody_judges_an_address_alike(tx: Tx, address: str, good: bool) -> None:
    assert await tx.fetchval("select sendable($1)", address) is good
    assert taken(Address, address) is good
    mail = msgspec.json.encode(letter(address))
    if good:
        assert compose(msgspec.json.decode(mail, type=Email)).to == address, "what is taken can be sent"
    else:
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(mail, type=Email)


def test_postgresql_has_it_word_for_word() -> None:
    tables = Path("kernel/schema/tables/8_product.sql").read_text()
    assert "'" + SENDABLE.replace("'", "''") + "'" in tables


@given(some.lists(PIECES, max_size=8).map("".join) | some.text(string.printable, max_size=12))
def test_what_is_taken_becomes_a_letter_to_that_address(address: str) -> None:
    if taken(Address, address):
        assert compose(letter(address)).to == address
