"""Text messages as gateways count them: in the GSM alphabet 160 characters, in any other 70, less when in parts."""

from kernel.settings import Settings
from mobile_contracts.messaging.template import Language

_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_TWICE = frozenset("^{}\\[~]|€\f")
_ONE, _PART = {"gsm": 160, "ucs2": 70}, {"gsm": 153, "ucs2": 67}


_ENDS = ("。", ".", "!", "!", "?", "?", "…", ";", ";")
"""What a sentence ends with."""

_OPT_OUT: dict[Language, tuple[str, str, str]] = {
    "zh": ("", "。", "拒收请回复T"),
    "en": (" ", ". ", "Reply T to opt out"),
}
"""What stands before the words that say how to opt out, behind the end of a sentence and behind anything else."""


def signed(settings: Settings, text: str, language: Language) -> str:
    """The text under the firm's signature (签名), as carriers ask for it.

    English stands under the one in Latin letters, where there is one: by 【】 alone 70 characters fit instead of 160.
    """
    own = settings.sms_signature
    latin = settings.sms_signature_latin or (own if set(own) <= _GSM else "")
    return f"[{latin}] {text}" if language == "en" and latin else f"【{own}】{text}"


def opt_out(text: str, language: Language) -> str:
    """What a marketing text ends with, behind this text: how to get no more."""
    ended, open_, words = _OPT_OUT[language]
    return (ended if text.rstrip().endswith(_ENDS) else open_) + words


def segments(text: str) -> int:
    """How many messages the text costs: one up to 160 (GSM) or 70 (UCS-2), else parts of 153 or 67."""
    if set(text) <= _GSM | _GSM_TWICE:
        alphabet, units = "gsm", [2 if character in _GSM_TWICE else 1 for character in text]
    else:
        alphabet, units = "ucs2", [2 if ord(character) > 0xFFFF else 1 for character in text]
    if sum(units) <= _ONE[alphabet]:
        return 1
    parts, room = 1, _PART[alphabet]
    for size in units:  # what counts twice is not torn apart
        if size > room:
            parts, room = parts + 1, _PART[alphabet]
        room -= size
    return parts
