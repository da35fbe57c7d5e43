"""What a check found: how a part is and how to mend it, and which settings are in force."""

from typing import Literal

from msgspec import Struct

State = Literal["ok", "warn", "fail"]
Source = Literal["environment", "keys.env", "default"]


class Finding(Struct, frozen=True):
    """One line of `hexad doctor`; `mend` says what to do unless the state is ok."""

    part: str
    state: State
    says: str
    mend: str = ""


class Value(Struct, frozen=True):
    """One setting in force; a secret is only said to be set or not."""

    name: str
    value: str
    source: Source


def ok(part: str, says: str) -> Finding:
    """All is well."""
    return Finding(part, "ok", says)


def warn(part: str, says: str, mend: str) -> Finding:
    """It works, and somebody should look at it."""
    return Finding(part, "warn", says, mend)


def fail(part: str, says: str, mend: str) -> Finding:
    """It does not work."""
    return Finding(part, "fail", says, mend)


def graded(part: str, value: float, says: str, mend: str, *, warns: float, fails: float) -> Finding:
    """Ok below `warns`, fail from `fails` on."""
    return (
        Finding(part, "ok", says) if value < warns else Finding(part, "fail" if value >= fails else "warn", says, mend)
    )
