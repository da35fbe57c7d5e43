"""Personal data in its normal form, and masked so that a person can recognise it and nobody can complete it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import InvalidInput
from kernel.text import personal


@pytest.mark.parametrize("written", ["13800138000", "+86 138 0013 8000", "86-13800138000", "0086 138-0013-8000"])
def test_a_mobile_number_has_one_form(written: str) -> None:
    assert personal.mobile(written) == "+8613800138000"
    assert personal.mask_mobile(written) == "138****8000"


@pytest.mark.parametrize("written", ["", "1380013800", "138001380001", "+1 13800138000", "12345678901", "1380013800a"])
def test_what_is_no_mobile_number_is_refused_and_masked_whole(written: str) -> None:
    with pytest.raises(InvalidInput):
        personal.mobile(written)
    assert set(personal.mask_mobile(written)) <= {"*"}


def test_an_identity_number_has_a_right_check_digit() -> None:
    assert personal.id_no("11010519491231002x") == "11010519491231002X"
    assert personal.id_no("130503670401001") == "130503670401001"
    for wrong in ("110105194912310021", "1101051949123100X2", "11010519491231002", ""):
        with pytest.raises(InvalidInput):
            personal.id_no(wrong)


@pytest.mark.parametrize(
    ("mask", "plain", "masked"),
    [
        (personal.mask_id_no, "11010519491231002x", "1****************X"),
        (personal.mask_id_no, "130503670401001", "1*************1"),
        (personal.mask_id_no, "E12345678", "*******78"),
        (personal.mask_id_no, "1234", "****"),
        (personal.mask_name, "张三", "张*"),
        (personal.mask_name, " 欧阳小明 ", "欧***"),
        (personal.mask_name, "阿卜杜拉·买买提", "阿*******"),
        (personal.mask_name, "张", "*"),
        (personal.mask_name, "Jane van Dyke", "J*** v** D***"),
        (personal.mask_name, "X", "X*"),
        (personal.mask_name, "", ""),
        (personal.mask_email, "zhang.san@example.com", "z***@example.com"),
        (personal.mask_email, "a@b.cn", "a***@b.cn"),
        (personal.mask_email, "nobody", "******"),
        (personal.mask_email, "@x", "**"),
        (personal.mask_email, "13800138000", "********"),
        (personal.mask_email, "first@x1.cn;second.one@y1.cn", "********"),
        (personal.mask_email, "无", "*"),
        (personal.mask_email, "a b@x1.cn", "********"),
        (personal.mask_email, "13800138000@", "********"),
        (personal.mask_email, "a@13800138000", "********"),
    ],
)
def test_masks(mask: object, plain: str, masked: str) -> None:
    assert callable(mask)
    assert mask(plain) == masked


@given(st.text(max_size=40))
def test_no_mask_fails_or_shows_a_whole_text(text: str) -> None:
    for mask in (personal.mask_mobile, personal.mask_id_no, personal.mask_name, personal.mask_email):
        assert not text.strip() or mask(text) != text or "*" in text
