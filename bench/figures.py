"""What a run gives: figures with their spread, beside what is asked of them."""

import platform
import statistics
from collections.abc import Sequence

import psutil
from msgspec import Struct


class Run(Struct, frozen=True):
    """One load on one server: requests a second, milliseconds, and the share of a core that the client itself took."""

    requests: int
    failures: int
    seconds: float
    p50: float
    p99: float
    longest: float
    client_busy: float

    @property
    def rate(self) -> float:
        """Answered requests a second."""
        return self.requests / self.seconds if self.seconds else 0.0


class Figure(Struct, frozen=True):
    """The median of several rounds, with the lowest and the highest rate."""

    what: str
    server: str
    requests_per_second: float
    lowest: float
    highest: float
    p50_ms: float
    p99_ms: float
    failures: int
    client_busy: float


class Asked(Struct, frozen=True):
    """A figure beside the bound that is asked of it."""

    what: str
    asked: str
    figure: float
    lowest: float
    highest: float
    reached: bool

    def line(self) -> str:
        """For a terminal."""
        verdict = "reached" if self.reached else "SHORT"
        return f"{verdict:8} {self.what}: {self.figure:g} ({self.lowest:g} to {self.highest:g}), asked {self.asked}"


class Machine(Struct, frozen=True):
    """What it ran on; memory in GiB."""

    system: str
    processor: str
    cores: int
    memory: int
    python: str
    postgresql: str


class Report(Struct, frozen=True):
    """All that one run of `hexad bench` says."""

    machine: Machine
    parameters: dict[str, bool | int | float | str]
    figures: list[Figure]
    asked: list[Asked]

    def lines(self) -> list[str]:
        """For a terminal: every figure, then what is asked of them."""
        shown = [
            f"{one.what:24} {one.server:6}{one.requests_per_second:9,.0f}/s ({one.lowest:,.0f} to {one.highest:,.0f})"
            f"  p50 {one.p50_ms:6.1f} ms  p99 {one.p99_ms:6.1f} ms{f'  {one.failures} FAILED' if one.failures else ''}"
            for one in self.figures
        ]
        return [*shown, "", *[one.line() for one in self.asked]]


def machine(postgresql: str) -> Machine:
    """This one, with that version of PostgreSQL."""
    memory = round(psutil.virtual_memory().total / (1 << 30))
    return Machine(
        platform.platform(), platform.machine(), psutil.cpu_count() or 0, memory, platform.python_version(), postgresql
    )


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value below which that share of the ascending values lies; 0 when there are none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def figure(what: str, server: str, runs: Sequence[Run]) -> Figure:
    """The rounds of one load together."""
    rates = [one.rate for one in runs]
    return Figure(
        what, server, round(statistics.median(rates), 1), round(min(rates), 1), round(max(rates), 1),
        round(statistics.median(one.p50 for one in runs), 2), round(statistics.median(one.p99 for one in runs), 2),
        sum(one.failures for one in runs), round(max(one.client_busy for one in runs), 2),
    )  # fmt: skip


def ratio(what: str, least: float, ours: Sequence[Run], others: Sequence[Run]) -> Asked:
    """How many times the rate of others ours is, round by round, so that what disturbs both disturbs neither."""
    return at_least(what, least, [mine.rate / max(other.rate, 1e-9) for mine, other in zip(ours, others, strict=True)])


def at_least(what: str, least: float, values: Sequence[float]) -> Asked:
    """Reached when the median is no less."""
    return _asked(what, f">= {least:g}", values, reached=statistics.median(values) >= least)


def below(what: str, bound: float, values: Sequence[float]) -> Asked:
    """Reached when the median is less."""
    return _asked(what, f"< {bound:g}", values, reached=statistics.median(values) < bound)


def apart(what: str, bound: float, groups: Sequence[Sequence[float]]) -> Asked:
    """Reached when the largest median of the groups is less than `bound` times the smallest.

    The spread beside it is that of single turns, which a machine whose speed changes drives apart too.
    """
    turns = [max(turn) / max(min(turn), 1e-9) for turn in zip(*groups, strict=True)]
    medians = [statistics.median(group) for group in groups]
    figure = max(medians) / max(min(medians), 1e-9)
    return Asked(what, f"< {bound:g}", round(figure, 3), round(min(turns), 3), round(max(turns), 3), figure < bound)


def none_failed(figures: Sequence[Figure]) -> Asked:
    """Reached when every request of every load was answered with 200."""
    failures = float(sum(one.failures for one in figures))
    return Asked("requests that failed", "= 0", failures, failures, failures, reached=not failures)


def _asked(what: str, bound: str, values: Sequence[float], *, reached: bool) -> Asked:
    middle = statistics.median(values)
    return Asked(what, bound, round(middle, 3), round(min(values), 3), round(max(values), 3), reached)
