"""What a setting means: its description, whether it is secret, and its bounds."""

from typing import Any

from msgspec import Meta


def says(text: str, *, secret: bool = False, **bounds: Any) -> Meta:
    """The meaning of one setting, for `Annotated`; `bounds` are those of msgspec."""
    return Meta(description=text, extra={"secret": secret}, **bounds)
