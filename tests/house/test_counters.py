"""Every refusal for a count says beside it who can raise that count: strangers never use up what the owner may.

`# raised by: themselves` where who is refused was known before it was counted (a token, a signature), `# raised by:
strangers, …` where only strangers are refused, and how the owner comes past them.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.house.test_files import PACKAGES, ROOT, tracked

_REFUSES = re.compile(r"\b(?:raise|return) (?:RateLimited|QuotaUsedUp)\b")
_SAYS = re.compile(r"# raised by: (?:themselves|strangers, \w.{15,})$")


def unsaid(path: Path, name: str) -> Iterator[str]:
    """Places of a file that refuse for a count and do not say on the line above who can raise it."""
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        if _REFUSES.search(line) and not (number and _SAYS.search(lines[number - 1])):
            yield f"{name}:{number + 1}"


def places() -> list[tuple[Path, str]]:
    """The files of the house."""
    ours = [path for path in tracked(".py") if path.relative_to(ROOT).parts[0] in PACKAGES]
    return [(path, str(path.relative_to(ROOT))) for path in ours]


def test_every_refusal_for_a_count_says_who_can_raise_it() -> None:
    assert [one for path, name in places() for one in unsaid(path, name)] == []
    assert sum(len(_REFUSES.findall(path.read_text())) for path, _ in places()) > 6


def test_one_that_does_not_say_it_is_found(tmp_path: Path) -> None:
    file = tmp_path / "limits.py"
    file.write_text(
        "raise RateLimited(1)\n"
        "# raised by: themselves\n"
        "raise QuotaUsedUp()\n"
        "# raised by: everybody\n"
        "return RateLimited(2)\n"
        "# raised by: strangers, of one address; who is signed in passes by\n"
        "raise RateLimited\n"
    )
    assert list(unsaid(file, "limits.py")) == ["limits.py:1", "limits.py:5"]
