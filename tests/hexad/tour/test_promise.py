"""What does not hold, or does not come, is said in the words that were given."""

import pytest

from hexad.tour.promise import Broken, promised, until


def test_what_does_not_hold_is_said() -> None:
    promised(1 + 1 == 2, "arithmetic is gone")
    with pytest.raises(Broken, match=r"^arithmetic is gone$"):
        promised(1 + 1 == 3, "arithmetic is gone")


async def test_something_comes_in_the_end() -> None:
    looks = iter([None, None, "there"])

    async def look() -> str | None:
        return next(looks)

    assert await until("it comes", look) == "there"


async def test_what_does_not_come_is_said() -> None:
    async def look() -> None:
        return None

    with pytest.raises(Broken, match=r"^not within 0\.2 s: it comes$"):
        await until("it comes", look, 0.2)
