"""Personal data in its normal form, and masked: mobile number (手机号), identity number (证件号), name, e-mail."""

import re
import unicodedata

from kernel.errors import InvalidInput

_GAPS = re.compile(r"[\s\-()]")
_MOBILE = re.compile(r"(?:\+?86|0086)?(1[3-9][0-9]{9})")
_ID_NO = re.compile(r"[0-9]{17}[0-9X]|[0-9]{15}")
_EMAIL = re.compile(r"[^@\s,;:<>()\"]+@[^@\s,;:<>()\"]+\.[^@\s,;:<>()\".]+")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def mobile(text: str) -> str:
    """A mainland mobile number in E.164, `+8613800138000`; raises `InvalidInput` for anything else."""
    found = _MOBILE.fullmatch(_plain(text))
    if not found:
        raise InvalidInput("this is not a mobile number", "手机号格式有误")
    return f"+86{found[1]}"


def id_no(text: str) -> str:
    """An identity number with a capital X; raises `InvalidInput` when its form or check digit is wrong."""
    found = _plain(text).upper()
    if not _ID_NO.fullmatch(found) or (len(found) == 18 and found[17] != _check_digit(found)):
        raise InvalidInput("this is not an identity number", "证件号格式有误")
    return found


def mask_mobile(text: str) -> str:
    """`138****0000`, whatever the writing; what is no mobile number is hidden whole."""
    found = _MOBILE.fullmatch(_plain(text))
    return f"{found[1][:3]}****{found[1][-4:]}" if found else _hidden(text)


def mask_id_no(text: str) -> str:
    """`1****************X`: the first and the last of an identity card; other documents show their last two at most.

    Place, birthday and sex stand in the number, and a birthday beside it would leave almost nothing hidden.
    """
    plain = _plain(text).upper()
    if _ID_NO.fullmatch(plain):
        return f"{plain[0]}{'*' * (len(plain) - 2)}{plain[-1]}"
    return f"{'*' * (len(plain) - 2)}{plain[-2:]}" if len(plain) >= 6 else _hidden(text)


def mask_name(text: str) -> str:
    """A Chinese name keeps its family name (`张**`), any other the first letter of each word (`J*** S****`)."""
    text = unicodedata.normalize("NFC", text).strip()
    if re.search(r"[\u3400-\u9fff\U00020000-\U0003ffff]", text):
        return text[0] + "*" * (len(text) - 1) if len(text) > 1 else "*"
    return " ".join(word[0] + "*" * max(len(word) - 1, 1) for word in text.split())


def mask_email(text: str) -> str:
    """`z***@example.com`: first letter and domain, always three stars; what is not one address is hidden whole."""
    plain = text.strip()
    return f"{plain[0]}***@{plain.rpartition('@')[2]}" if _EMAIL.fullmatch(plain) else _hidden(text)


def _plain(text: str) -> str:
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return plain if plain.isalnum() else _GAPS.sub("", plain)


def _hidden(text: str) -> str:
    return "*" * min(len(text), 8)


def _check_digit(number: str) -> str:
    """The last place of an 18-digit number by GB 11643 (ISO 7064, MOD 11-2)."""
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, number[:17], strict=True))
    return "10X98765432"[total % 11]
