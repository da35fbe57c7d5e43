"""Where hosts must agree on the time they ask the database: each place that goes by its own clock says why it may."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.house.test_files import PACKAGES, ROOT

_OWN = re.compile(r"\b(?:datetime|dt)\.(?:now|today|utcnow)\(|\btime\.time\(\)")

MAY: Mapping[str, str] = {
    "identity/provider.py": "what an outside provider issued, with leeway",
    "identity/refresh_token.py": "issues tokens, which are verified with leeway",
    "identity/authenticator.py": "codes of authenticators, one step of leeway in both directions",
    "api/edge/signed.py": "signatures of gateways, five minutes of leeway in both directions",
    "api/messaging/receipt.py": "when mail came back: kept, and compared with nothing",
    "centers/product/questionnaire.py": "tells when midnight is",
    "kernel/audit/seal.py": "how long our own anchor has been failing",
    "kernel/audit/search.py": "the end of a search that names none",
    "kernel/calendar/days.py": "which day it is",
    "identity/principal.py": "issues tokens and verifies them, with leeway; how long this process remembers",
    "kernel/telemetry/logs.py": "the time of a line",
    "notifications/receipt/receipt.py": "when we said it ourselves: kept, and compared with nothing",
    "notifications/consent/unsubscribe.py": "links that are good for years",
    "realtime/connection.py": "tells the time; when a token ends, with leeway",
    "realtime/sign_in.py": "how long this process remembers",
    "workers/smtp/reading.py": "when we said it ourselves: kept, and compared with nothing",
    "workers/smtp/records.py": "when we said it ourselves: kept, and compared with nothing",
}
"""Files that read the clock of their host, and why nothing goes wrong when it is not that of another."""


def by_their_own(root: Path, packages: tuple[str, ...]) -> Iterator[str]:
    """Files that read the clock of their host."""
    for package in packages:
        for path in sorted((root / package).rglob("*.py")):
            if _OWN.search(path.read_text()):
                yield str(path.relative_to(root))


def test_who_goes_by_a_clock_of_its_own_says_why_it_may() -> None:
    served = tuple(one for one in PACKAGES if one not in ("hexad", "bench"))
    assert set(by_their_own(ROOT, served)) == set(MAY)


def test_the_rule_bites(tmp_path: Path) -> None:
    (tmp_path / "workers").mkdir()
    (tmp_path / "workers" / "new.py").write_text("from datetime import UTC, datetime\nlate = datetime.now(UTC)\n")
    (tmp_path / "workers" / "good.py").write_text("import time\nbegan = time.monotonic()\n")
    assert list(by_their_own(tmp_path, ("workers",))) == ["workers/new.py"]
