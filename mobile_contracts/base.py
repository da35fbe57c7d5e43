"""The shapes that every contract shares: answers, inputs, pages, problems, bounded text and decimals."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Generic, TypeVar

from msgspec import Meta, Struct

NO_CONTROLS = r"^[^\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]*\Z"
"""One line of text without control characters, those that turn the direction of writing included."""

_BLANK = (
    r"\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
BLANK = re.compile(rf"[{_BLANK}]*")
"""Text of which nothing can be seen: white space, Unicode's Default_Ignorable_Code_Point, and Braille's blank."""
REASON = rf"^(?=(?:[{_BLANK}]*[^{_BLANK}]){{4}})" + NO_CONTROLS.removeprefix("^")
"""One line of text with at least 4 characters that can be seen."""

CODE = r"^(?!\.{1,2}\Z)[A-Za-z0-9_.:/-]+\Z"
"""What identifies something in a source system (编码); `.` and `..` alone would be no part of an address."""

CODE_LENGTH = 32

Reason = Annotated[
    str, Meta(max_length=200, pattern=REASON, description="why, for the audit log: at least 4 visible characters")
]
"""Blanks around it are not kept."""

Text = Annotated[str, Meta(max_length=200, pattern=NO_CONTROLS)]
LongText = Annotated[str, Meta(max_length=4000)]
Money = Annotated[Decimal, Meta(description="decimal string, at most 18 digits, 2 of them after the point")]

Item = TypeVar("Item")

_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class Answer(Struct, frozen=True):
    """What the API gives: built by position from a row, so its fields follow the columns of its query."""


def check_moments(given: Struct) -> None:
    """Raises `ValueError` for a time that no clock shows: no database keeps it in every zone, none reckons with it."""
    for name in given.__struct_fields__:
        value = getattr(given, name)
        if isinstance(value, datetime) and not _FIRST <= value < _LAST:
            raise ValueError(f"The time in field `{name}` is not between 1970 and 2199")


class Input(Struct, frozen=True, forbid_unknown_fields=True):
    """What the API takes: an unknown field is an error, and so is a time that no clock shows."""

    def __post_init__(self) -> None:
        check_moments(self)


class Page(Answer, Generic[Item], frozen=True):
    """A part of a list; `next` is the cursor of the part after it, null at the end."""

    items: list[Item]
    next: str | None = None


class FieldProblem(Answer, frozen=True):
    """One refused field of a request: its path, why in the reader's language, and a stable code of the fault."""

    field: str
    message: str
    code: str = "invalid"


class Problem(Answer, frozen=True, omit_defaults=True):
    """An error as RFC 9457 describes it; `code` is stable, `title` and `detail` are in the reader's language."""

    type: str
    title: str
    status: int
    code: str
    detail: str = ""
    request_id: str = ""
    errors: list[FieldProblem] = []
