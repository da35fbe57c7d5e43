"""What arrives is what was typed: read back by both parsers of the standard library and by a decoder of our own."""

import base64
import email
import email.header
import email.policy
import random
import re

import pytest
from hypothesis import example, given
from hypothesis import settings as bounded
from hypothesis import strategies as st

from workers.smtp import headers
from workers.smtp.headers import ENCODED_LINE, LINE, WORD

_ENCODED = re.compile(r"=\?([^?]+)\?([bB])\?([^?]*)\?=")


def decoded(line: bytes) -> str:
    """A header's text by RFC 2047 alone: unfolded, words decoded, blanks between two of them left out."""
    value = re.sub(r"\r\n(?=[ \t])", "", line.decode("ascii").removesuffix("\r\n")).partition(": ")[2]
    value = re.sub(r"(\?=)[ \t]+(?==\?)", r"\1", value)
    return _ENCODED.sub(lambda one: base64.b64decode(one[3], validate=True).decode(one[1]), value)


def read(line: bytes) -> tuple[str, str, str]:
    """The value by the new parser, by the old one, and by our own."""
    name = line.partition(b":")[0].decode()
    new = str(email.message_from_bytes(line + b"\r\n", policy=email.policy.default)[name])
    old = email.message_from_bytes(line + b"\r\n", policy=email.policy.compat32)[name]
    parts = email.header.decode_header(re.sub(r"\r\n(?=[ \t])", "", str(old)))
    joined = "".join(part.decode(charset or "ascii") if isinstance(part, bytes) else part for part, charset in parts)
    return new, joined, decoded(line)


def travels(line: bytes) -> None:
    """Within the limits of RFC 2047 and RFC 5322."""
    assert line.isascii()
    assert line.endswith(b"\r\n")
    first, *rest = line[:-2].split(b"\r\n")
    assert all(one[:1] == b" " and one.strip() for one in rest)
    for one in (first, *rest):
        assert len(one) <= LINE
        if b"=?" in one:
            assert len(one) <= ENCODED_LINE
            assert all(len(word[0]) <= WORD for word in re.finditer(rb"=\?\S+\?=", one))
            base64_words = [word[1] for word in re.finditer(rb"=\?utf-8\?b\?(\S*?)\?=", one)]
            assert all(base64.b64decode(word).decode() for word in base64_words), "no character is cut"


PIECES = st.one_of(
    st.sampled_from(["2026年11月", "2026-12-01", "——", "您好", "A股", "=?utf-8?b?5oKo?=", "=?", "?=", "=", "_", "😀"]),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=90),
    st.text("中文股票基金éß", min_size=1, max_size=40),
)
MIXED = st.builds(
    lambda pieces, blanks, before, after: (
        before + "".join(piece + blank for piece, blank in zip(pieces, blanks, strict=False)) + after
    ),
    st.lists(PIECES, min_size=1, max_size=12), st.lists(st.sampled_from(["", " ", " ", "  ", "\t"]), min_size=12),
    st.sampled_from(["", "", " "]), st.sampled_from(["", "", "x"]),
)  # fmt: skip


@given(subject=MIXED)
@example("—— 2026年11月 2026-12-01 您好 A股 A股 A股")
@example("a" * 70 + " 中" + "b" * 70)
@example("a" * 200)
@example("a =?x")
@example(" two  blanks ")
@bounded(deadline=None, max_examples=400)
def test_what_arrives_is_what_was_typed(subject: str) -> None:
    line = headers.text("Subject", subject)
    travels(line)
    new, old, own = read(line)
    assert (old, own) == (subject, subject)
    assert new == subject


def test_thousands_of_mixed_subjects_arrive() -> None:
    chance = random.Random(20261128)
    words = ["A股", "您好", "——", "2026-12-01", "基金", "ETF", "a" * 40, "中" * 30, "(T+1)", "50%", "é", "=?", "b" * 80]
    for _ in range(4000):
        subject = " ".join(chance.choice(words) for _ in range(chance.randint(1, 14)))
        line = headers.text("Subject", subject)
        travels(line)
        assert read(line) == (subject, subject, subject)


@given(shown=MIXED.map(lambda text: text.replace("\t", " ")))
@example("Hexad")
@example("华夏证券")
@example("a" * 200)
@example('"quoted" \\ name')
@bounded(deadline=None, max_examples=200)
def test_the_name_of_a_sender_arrives_with_one_address(shown: str) -> None:
    line = headers.mailbox("From", shown, "no-reply@firm.cn")
    travels(line)
    message = email.message_from_bytes(line + b"\r\n", policy=email.policy.default)
    (address,) = message["From"].addresses
    assert address.addr_spec == "no-reply@firm.cn"
    phrase = line.removesuffix(b" <no-reply@firm.cn>\r\n").removesuffix(b"\r\n")
    quoted = decoded(phrase + b"\r\n")
    assert (quoted.strip('"') if b'"' in phrase else quoted) == shown


@pytest.mark.parametrize("value", ["bulk", "a b " * 60 + "c", "c" * 900, "a  b"])
def test_what_programs_read_is_left_as_it_is(value: str) -> None:
    line = headers.raw("X-Value", value)
    assert re.sub(rb"\r\n(?= )", b"", line) == f"X-Value: {value}\r\n".encode()
    assert all(len(one) <= ENCODED_LINE for one in line.split(b"\r\n")) or "c" * 900 in value
