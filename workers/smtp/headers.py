"""Headers as they go over the wire: what arrives is what was typed, to the last blank, in lines that mail allows.

The standard library folds mixed text so that blanks are lost or gained, and writes encoded words that are too long. So
text that cannot go as it is goes as encoded words altogether (RFC 2047): between them a reader leaves nothing.
"""

import base64
import re
from collections.abc import Iterator

WORD = 75
"""Characters that an encoded word may have (RFC 2047, 2)."""

ENCODED_LINE = 76
"""Characters of a line with encoded words in it; others may have 78 (RFC 5322, 2.1.1)."""

LINE = 998
"""Octets that a line may have."""

_PLAIN = re.compile(r"[!-~]+(?: [!-~]+)*")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_BEFORE, _AFTER = "=?utf-8?b?", "?="
_BYTES = (WORD - len(_BEFORE) - len(_AFTER)) // 4 * 3


def text(name: str, value: str) -> bytes:
    """A header of free text, such as a subject."""
    line = f"{name}: {value}"
    if _goes_as_it_is(value) and max(map(len, line.split(" "))) < ENCODED_LINE:
        return _folded(line.split(" "))
    return _folded([f"{name}:", *words(value, ENCODED_LINE - len(name) - 2)])


def raw(name: str, value: str) -> bytes:
    """A header whose words mean something to programs: folded where it has single blanks, its words left whole."""
    return _folded(f"{name}: {value}".split(" ")) if _goes_as_it_is(value) else _ended(f"{name}: {value}")


def mailbox(name: str, shown: str, address: str) -> bytes:
    """A header with one address, and the name that is shown for it, if any."""
    if not shown:
        return _ended(f"{name}: {address}")
    if _ATOMS.fullmatch(shown) and "=?" not in shown and len(shown) < ENCODED_LINE - len(name) - 2:
        return _folded([f"{name}:", f'"{shown}"', f"<{address}>"])
    return _folded([f"{name}:", *words(shown, ENCODED_LINE - len(name) - 2), f"<{address}>"])


def words(value: str, first: int = ENCODED_LINE) -> Iterator[str]:
    """The text as encoded words, none of which cuts a character; the first has so much room."""
    room = min(_BYTES, (first - len(_BEFORE) - len(_AFTER)) // 4 * 3)
    taken = b""
    for character in value:
        more = character.encode()
        if len(taken) + len(more) > room:
            yield _word(taken)
            taken, room = b"", _BYTES
        taken += more
    yield _word(taken)


def _word(taken: bytes) -> str:
    return f"{_BEFORE}{base64.b64encode(taken).decode()}{_AFTER}"


def _goes_as_it_is(value: str) -> bool:
    """Whether no reader takes it for anything else, wherever it is folded."""
    return bool(_PLAIN.fullmatch(value)) and "=?" not in value


def _folded(parts: list[str]) -> bytes:
    """The parts with single blanks between them, in as few lines as may be."""
    lines, line = [], parts[0]
    for number, part in enumerate(parts[1:]):
        if number and len(line) + 1 + len(part) > ENCODED_LINE:
            lines.append(line)
            line = ""
        line += f" {part}"
    return _ended("\r\n".join([*lines, line]))


def _ended(line: str) -> bytes:
    return line.encode() + b"\r\n"
