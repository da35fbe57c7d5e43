"""What the simulators were given to send, newest last, in `<var>/mailbox`: readable by its owner alone, bounded."""

import contextlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from kernel.calendar.days import BEIJING

_BYTES = 4 << 20
"""A file that is larger is set aside; the one set aside before goes."""


class Letter(Struct, frozen=True):
    """One message as a person would see it."""

    channel: str
    at: datetime
    sender: str
    to: str
    subject: str
    text: str
    id: str = ""
    html: str = ""
    headers: dict[str, str] = {}

    @property
    def when(self) -> str:
        """The time as people here read it, with its offset as in the logs."""
        return self.at.astimezone(BEIJING).isoformat(" ", "seconds")


class Mailbox:
    """One file per channel, written by one process each."""

    def __init__(self, var: Path) -> None:
        self._folder = var / "mailbox"

    def keep(self, letters: list[Letter]) -> None:
        """Adds letters of one channel."""
        if not letters:
            return
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = self._folder / f"{letters[0].channel}.jsonl"
        if file.exists() and file.stat().st_size > _BYTES:
            file.rename(file.with_suffix(".old"))
        with file.open("ab") as out:
            out.write(b"".join(msgspec.json.encode(letter) + b"\n" for letter in letters))

    def newest(self, at_most: int, to: str = "") -> list[Letter]:
        """The newest letters of all channels, the newest first; `to` is a part of whom they went to.

        A line that was cut short is left out.
        """
        letters = [letter for letter in self._all("*.*") if to.casefold() in letter.to.casefold()]
        return sorted(letters, key=lambda letter: letter.at, reverse=True)[:at_most]

    def ids(self, channel: str) -> list[str]:
        """The ids of all letters of a channel that are still there."""
        return [letter.id for letter in self._all(f"{channel}.*") if letter.id]

    def _all(self, files: str) -> list[Letter]:
        letters: list[Letter] = []
        for file in sorted(self._folder.glob(files)):
            with contextlib.suppress(FileNotFoundError):  # set aside just now: the next look has it
                letters += _whole(file.read_bytes().splitlines())
        return letters


def _whole(lines: list[bytes]) -> Iterator[Letter]:
    for line in lines:
        with contextlib.suppress(msgspec.MsgspecError):
            yield msgspec.json.decode(line, type=Letter)
