"""What a reply asks for (退订口令): the words are data, `opt_out.json`, read however keyboards write them."""

import unicodedata
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from mobile_contracts.base import BLANK

Meaning = Literal["opt_out", "opt_out_all", "other"]


class _Words(Struct, frozen=True):
    """Words that end marketing, and those that end service messages too."""

    opt_out: frozenset[str]
    opt_out_all: frozenset[str]


_WORDS = msgspec.json.decode(Path(__file__).with_name("opt_out.json").read_bytes(), type=_Words)


def meaning(text: str) -> Meaning:
    """What a reply asks for.

    A word counts in any width and case, with blanks and what nobody sees anywhere in it, and punctuation or signs
    around it: `Ｔ`, `td`, `T D`, `退订。`, `T` behind a byte order mark.
    """
    word = _bare(text)
    if word in _WORDS.opt_out_all:
        return "opt_out_all"
    return "opt_out" if word in _WORDS.opt_out else "other"


def _bare(text: str) -> str:
    seen = "".join(one for one in unicodedata.normalize("NFKC", text) if not _is_unseen(one)).upper()
    word = [place for place, one in enumerate(seen) if unicodedata.category(one)[0] in "LN"]
    return seen[word[0] : word[-1] + 1] if word else ""


def _is_unseen(one: str) -> bool:
    """Whether it shows nothing: blanks, formats and controls, variation selectors, fillers."""
    return one.isspace() or unicodedata.category(one) in ("Cf", "Cc") or bool(BLANK.fullmatch(one))
