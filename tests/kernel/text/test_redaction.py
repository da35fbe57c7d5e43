"""No mobile number, identity number, address, token or password leaves; ids and times do."""

import datetime
import uuid
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.text import redaction

_FREE = st.text(st.characters(exclude_categories=["Nd", "Cs"]), max_size=20)
_GAP = st.sampled_from(["", " ", "-", "\u3000", "\u00a0"])


@st.composite
def mobiles(draw: st.DrawFn) -> tuple[str, str]:
    """A mobile number as somebody might write it, and its last eight digits, which must not be seen."""
    number = "1" + draw(st.sampled_from("3456789")) + draw(st.text("0123456789", min_size=9, max_size=9))
    gap = draw(_GAP)
    prefix = draw(st.sampled_from(["", "+86", "86", "0086", "+86 ", "86-", "0"]))
    return f"{prefix}{number[:3]}{gap}{number[3:7]}{gap}{number[7:]}", number[3:]


@st.composite
def id_numbers(draw: st.DrawFn) -> tuple[str, str]:
    """An identity number of 18 or 15 places, and the digits of its birthday and what follows."""
    place = draw(st.sampled_from("123456789")) + draw(st.text("0123456789", min_size=5, max_size=5))
    born = draw(st.dates(datetime.date(1900, 1, 1), datetime.date(2030, 12, 31)))
    serial = draw(st.text("0123456789", min_size=3, max_size=3))
    if draw(st.booleans()):
        return f"{place}{born:%y%m%d}{serial}", f"{born:%y%m%d}{serial}"
    gap = draw(_GAP)
    number = f"{born:%Y%m%d}{serial}" + draw(st.sampled_from("0123456789Xx"))
    return place + gap + number, number


def wraps(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Lists, tuples and dicts around what may hold a number, which may stand in a key too."""
    return st.one_of(
        st.lists(inner, min_size=1, max_size=3), st.tuples(_FREE, inner), st.dictionaries(_FREE, inner, min_size=1)
    )


@given(st.one_of(mobiles(), id_numbers()), _FREE, _FREE)
def test_a_number_of_a_person_does_not_come_through_any_text(written: tuple[str, str], before: str, after: str) -> None:
    canary, digits = written
    assert digits not in redaction.text(f"{before}{canary}{after}")


@given(st.one_of(mobiles(), id_numbers()).flatmap(lambda w: st.tuples(st.just(w[1]), wraps(wraps(st.just(w[0]))))))
def test_nor_out_of_nested_values(written: tuple[str, Any]) -> None:
    digits, value = written
    assert digits not in msgspec.json.encode(redaction.cleaned(value)).decode()


@given(mobiles(), st.sampled_from([int, float, str.encode, ValueError]))
def test_nor_as_a_number_or_bytes_or_an_exception(written: tuple[str, str], kind: Any) -> None:
    plain = "1380" + written[1][-7:]
    assert plain[3:] not in msgspec.json.encode(redaction.cleaned({"a": [kind(plain)], plain: 1})).decode()


@given(st.uuids(), st.datetimes(timezones=st.timezones()), st.integers(0, 10**10 - 1))
def test_ids_times_and_counts_stay(one: uuid.UUID, at: datetime.datetime, count: int) -> None:
    line = f"{one} {at.isoformat()} n={count}; staff:10086 {one.hex}"
    assert redaction.text(line) == line
    assert redaction.cleaned({"n": count, "seconds": 0.13812345678}) == {"n": count, "seconds": 0.13812345678}


@pytest.mark.parametrize(
    "line",
    [
        "postgresql://hexad:canary@db/hexad",
        "amqp://guest:can%40ary-canary@127.0.0.1:5672/",
        "Authorization: Bearer canary.canary-1",
        "authorization=Basic canary==",
        "eyJhbGciOiJFZERTQSJ9.canary.canary",
        "refused bearer canary1234",
        "password='canary two'",
        '{"new_password": "canary", "x": 1}',
        '{\\"refresh_token\\": \\"canary\\"}',
        "GET /v1/x?access_token=canary&limit=2",
        "HEXAD_FIELD_KEYS=k1:canary",
        "otp: canary",
        "DETAIL:  Key (mobile)=(canary) already exists.",
        "canary@example.com",
        "mailto:\u5f20\u4e09.canary@\u4f8b\u5b50.com",
    ],
)
def test_secrets_in_text_are_hidden(line: str) -> None:
    assert "canary" not in redaction.text(line)


@pytest.mark.parametrize(
    "key", ["password", "new_password", "accessToken", "client-secret", "Authorization", "otp", "id_no", "mobile_2"]
)
def test_what_is_under_the_name_of_a_secret_is_hidden_whole(key: str) -> None:
    assert redaction.cleaned({"a": [{key: {"b": "canary"}}]}) == {"a": [{key: "[hidden]"}]}


def test_ordinary_lines_stay_readable() -> None:
    for line in ("/app/mobile_contracts/identity/key.py line 3", "basic authentication",
                 "10.0.100.15:50138 in 1732265175123 ms",
                 "postgresql://hexad_app@/hexad?host=/run", "tokens are made by `hexad token`"):  # fmt: skip
        assert redaction.text(line) == line


@pytest.mark.parametrize("piece", ["a", "1", "x_y-", "token: ", "http://", "a@", "bearer ", "(1", "138 ", "'", "eyJ."])
@pytest.mark.timeout(60)  # 0.2 s on an idle machine; a pattern that tries everything would take years
def test_a_megabyte_of_anything_is_cleaned_in_bounded_time(piece: str) -> None:
    assert len(redaction.text(piece * (1_000_000 // len(piece)))) <= redaction.LONGEST


def test_a_value_that_does_not_print_does_not_cost_the_line() -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("13800138000")

    assert redaction.cleaned([Broken()]) == ["<Broken that does not print: RuntimeError>"]
