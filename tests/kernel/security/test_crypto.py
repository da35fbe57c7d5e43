"""A field opens only with its key, unaltered and in its place; equal content is found without being read."""

import base64
import secrets

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import FieldSealed, InvalidInput, Misconfigured
from kernel.security.crypto import BlindIndex, Fields, Place, Purpose
from kernel.settings import Settings, parse

PLACE = Place("customer", "mobile", "7")


def key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


OLD, NEW = f"k1:{key()}", f"k2:{key()}"
FIELDS = Fields(parse({"HEXAD_FIELD_KEYS": f"{NEW},{OLD}"}))


@given(st.text(), st.text(), st.text(), st.text())
def test_a_field_comes_back_as_it_was(text: str, table: str, column: str, row: str) -> None:
    place = Place(table, column, row)
    assert FIELDS.open(FIELDS.seal(text, place), place) == text


def test_the_same_text_is_sealed_differently_each_time_and_compactly() -> None:
    one, two = FIELDS.seal("13800138000", PLACE), FIELDS.seal("13800138000", PLACE)
    assert one != two
    assert len(one) == 1 + 1 + 2 + 12 + 11 + 16


def test_a_byte_flipped_anywhere_is_found() -> None:
    sealed = FIELDS.seal("13800138000", PLACE)
    for place in range(len(sealed)):
        for bit in range(8):
            altered = bytearray(sealed)
            altered[place] ^= 1 << bit
            with pytest.raises(FieldSealed):
                FIELDS.open(bytes(altered), PLACE)


@given(st.binary(max_size=80))
def test_bytes_that_we_did_not_make_do_not_open(sealed: bytes) -> None:
    with pytest.raises(FieldSealed):
        FIELDS.open(sealed, PLACE)


def test_a_field_cut_short_anywhere_is_found() -> None:
    sealed = FIELDS.seal("13800138000", PLACE)
    for length in range(len(sealed)):
        with pytest.raises(FieldSealed):
            FIELDS.open(sealed[:length], PLACE)


@pytest.mark.parametrize(
    "elsewhere",
    [Place("customer", "mobile", "8"), Place("customer", "id_no", "7"), Place("account", "mobile", "7"),
     Place("customerm", "obile", "7"), Place("customer", "mobile7", "")],
)  # fmt: skip
def test_a_field_cannot_be_moved(elsewhere: Place) -> None:
    with pytest.raises(FieldSealed):
        FIELDS.open(FIELDS.seal("13800138000", PLACE), elsewhere)


def test_keys_rotate() -> None:
    before = Fields(parse({"HEXAD_FIELD_KEYS": OLD}))
    sealed = before.seal("张三", PLACE)
    assert not before.needs_rotation(sealed)
    assert FIELDS.needs_rotation(sealed)
    again = FIELDS.seal(FIELDS.open(sealed, PLACE), PLACE)
    assert not FIELDS.needs_rotation(again)
    after = Fields(parse({"HEXAD_FIELD_KEYS": NEW}))
    assert after.open(again, PLACE) == "张三"
    with pytest.raises(FieldSealed, match="HEXAD_FIELD_KEYS"):
        after.open(sealed, PLACE)


def test_a_key_id_taken_by_another_key_opens_nothing() -> None:
    with pytest.raises(FieldSealed):
        Fields(parse({"HEXAD_FIELD_KEYS": f"k2:{key()}"})).open(FIELDS.seal("x", PLACE), PLACE)


@pytest.mark.parametrize(
    "wrong",
    ["", "k1", "k1:", "k1:short", f"k1:{key()[:-4]}", f":{key()}", f"k 1:{key()}", f"{'k' * 33}:{key()}",
     f"{OLD},{OLD}", f"{OLD},k2:%%%", f"键:{key()}"],
    ids=["none", "no key", "empty", "no base64", "short", "no id", "space", "long id", "twice", "second", "not ascii"],
)  # fmt: skip
def test_a_wrong_key_names_the_variable_and_not_the_key(wrong: str) -> None:
    with pytest.raises(Misconfigured, match="HEXAD_FIELD_KEYS") as error:
        Fields(parse({"HEXAD_FIELD_KEYS": wrong}))
    assert OLD[3:] not in str(error.value)


def test_an_index_needs_its_key(settings: Settings) -> None:
    for wrong in ("", "short", key()[:-4]):
        with pytest.raises(Misconfigured, match="HEXAD_INDEX_KEY"):
            BlindIndex(msgspec.structs.replace(settings, index_key=wrong))


def test_a_mobile_number_is_found_however_it_is_written(settings: Settings) -> None:
    index = BlindIndex(settings)
    ways = [
        "13800138000",
        "+8613800138000",
        "+86 138-0013-8000",
        "008613800138000",
        "８６13800138000",
        " (138)00138000 ",
    ]
    assert len({index.of("mobile", way) for way in ways}) == 1
    assert len(index.of("mobile", "13800138000")) == 32
    assert index.of("mobile", "13800138000") != index.of("mobile", "13800138001")


def test_an_identity_number_is_found_with_small_and_capital_x(settings: Settings) -> None:
    index = BlindIndex(settings)
    assert index.of("id_no", "11010519491231002x") == index.of("id_no", "110105 19491231 002X")


def test_purposes_and_keys_do_not_mix(settings: Settings) -> None:
    other = msgspec.structs.replace(settings, index_key=key())
    assert BlindIndex(settings).of("mobile", "13800138000") != BlindIndex(other).of("mobile", "13800138000")
    assert BlindIndex(settings).of("id_no", "130503670401001") != BlindIndex(settings).of("id_no", "130503670401002")


@pytest.mark.parametrize(
    ("purpose", "text"), [("mobile", "12800138000"), ("mobile", ""), ("id_no", "110105194912310020")]
)
def test_what_is_no_such_thing_is_refused_without_repeating_it(settings: Settings, purpose: Purpose, text: str) -> None:
    with pytest.raises(InvalidInput) as error:
        BlindIndex(settings).of(purpose, text)
    assert not text or text not in str(error.value)
