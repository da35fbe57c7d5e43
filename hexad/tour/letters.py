"""Looking into the simulators' mailbox, as the people would look at their phones."""

import re
from datetime import datetime
from pathlib import Path

from hexad.simulators.mailbox import Letter, Mailbox
from hexad.tour.promise import until

_CODE = re.compile(r"(?<!\d)\d{6}(?!\d)")
_LOOKED_AT = 2000


class Letters:
    """What came to people's phones and mailboxes."""

    def __init__(self, var: Path) -> None:
        self._mailbox = Mailbox(var)

    def saying(self, words: str) -> list[Letter]:
        """The letters whose text has these words."""
        return [one for one in self._mailbox.newest(_LOOKED_AT) if words in one.text]

    async def expect(self, channel: str, mask: str, words: str) -> Letter:
        """The letter with these words to a masked number; raises `Broken` when it does not come."""

        async def look() -> Letter | None:
            return next((one for one in self.saying(words) if one.channel == channel and is_to(one, mask)), None)

        return await until(f"a letter by {channel} to {mask} that says {words}", look)

    async def code(self, mask: str, after: datetime) -> str:
        """The newest one-time code on the phone with the masked number; raises `Broken` when none comes."""

        async def look() -> str | None:
            texts = [one.text for one in self._mailbox.newest(_LOOKED_AT) if one.at >= after and is_to(one, mask)]
            return next((found[0] for text in texts if (found := _CODE.search(text))), None)

        return await until(f"an SMS to {mask} with a code", look)


def is_to(letter: Letter, mask: str) -> bool:
    """Whether a letter went to the number that is shown as `138****0000`."""
    before, _, after = mask.partition("****")
    return letter.to.removeprefix("+86").startswith(before) and letter.to.endswith(after)
