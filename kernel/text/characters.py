"""Text that was cut in the middle of a character, as JSON may still carry it."""

import re

_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(?P<half>u[dD][89a-fA-F]..)|.)", re.DOTALL)


def whole(json: bytes) -> bytes:
    r"""The JSON with U+FFFD in place of each half of a surrogate pair (RFC 8259, 8.2), which is no character alone.

    A text message or an input field that counts UTF-16 units leaves such halves: `"\ud83d"`.
    """
    return _ESCAPE.sub(_mended, json)


def _mended(escape: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if escape["half"] else escape[0]
