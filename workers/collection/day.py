"""One day's deliveries: taken in, checked alone and together, so that only what is good is left to load."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import msgspec
from duckdb import ColumnExpression, DuckDBPyRelation

from kernel import calendar
from kernel.errors import InvalidInput
from workers.collection import intake, reference
from workers.collection.check import check_values
from workers.collection.column import FEEDS, FIRST, LOADED, REST, Feed
from workers.collection.fault import Faults
from workers.collection.manifest import Delivery, File, Manifest
from workers.collection.reading import damage, rows_of
from workers.collection.workspace import Workspace, constant

Recorded = Mapping[str, list[tuple[date, str]]]
"""Per feed the days of a source that were loaded, each with the SHA-256."""


class Tally(msgspec.Struct):
    """What became of a feed's rows; `state` says why nothing did, where nothing did."""

    rows: int = 0
    added: int = 0
    changed: int = 0
    ended: int = 0
    state: str = ""

    @property
    def unchanged(self) -> int:
        """Rows that were there already, just so."""
        return self.rows - self.added - self.changed


class Checked(msgspec.Struct):
    """A delivery under way: its number in the workspace, what is wrong with it, what becomes of its feeds.

    `recorded` is what was loaded of its source; `newer` the newest day of that, where it is after the delivery's.
    """

    number: int
    delivery: Delivery
    recorded: Recorded = msgspec.field(default_factory=dict)
    faults: Faults = msgspec.field(default_factory=Faults)
    manifest: Manifest | None = None
    tallies: dict[str, Tally] = msgspec.field(default_factory=dict)
    seconds: float = 0.0
    newer: date | None = None

    @property
    def good(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.faults.count == 0

    def file(self, feed: str) -> str:
        """The name of a feed's file."""
        return self.manifest.feeds[feed].file if self.manifest else feed

    def loading(self) -> list[tuple[str, File]]:
        """The feeds that are to be recorded."""
        feeds = self.manifest.feeds if self.manifest else {}
        return [(name, feeds[name]) for name in LOADED if name in feeds and self.tallies[name].state in ("", "older")]


def opened(number: int, delivery: Delivery, recorded: Recorded) -> Checked:
    """A delivery whose manifest was read; what is wrong with that is noted, and nothing more of it is looked at."""
    checked = Checked(number, delivery, recorded)
    try:
        manifest = delivery.read()
    except InvalidInput as error:
        checked.faults.add("manifest.json", error.detail)
        return checked
    if delivery.day > calendar.today() and not manifest.demo:
        checked.faults.add("manifest.json", f"its day has not come yet: in Beijing it is {calendar.today()}")
        return checked
    checked.manifest = manifest
    checked.tallies = {name: Tally(rows=file.rows) for name, file in manifest.feeds.items()}
    return checked


def coming(day: Iterable[Checked]) -> set[str]:
    """The feeds of a day of which there may be something to load."""
    feeds = set()
    for one in day:
        files = one.manifest.feeds if one.manifest else {}
        feeds |= {name for name in files if (one.delivery.day, files[name].sha256) not in one.recorded.get(name, [])}
    return feeds & set(LOADED)


def check(work: Workspace, checked: Checked, name: str, secret: str) -> None:
    """Takes a feed of a delivery in and checks its form; what is wrong is noted in its faults."""
    if checked.manifest is None:
        return
    before, file = checked.faults.count, checked.manifest.feeds[name]
    try:
        _feed(work, checked, FEEDS[name], file, secret)
    except InvalidInput as error:
        checked.faults.add(file.file, error.detail)
    if checked.faults.count > before:
        checked.tallies[name].state = "bad"


def _feed(work: Workspace, checked: Checked, feed: Feed, file: File, secret: str) -> None:
    delivery, tally, recorded = checked.delivery, checked.tallies[feed.name], checked.recorded.get(feed.name, [])
    path = delivery.folder / file.file
    if (delivery.day, file.sha256) in recorded:
        if not intake.same(path, file.sha256):
            raise InvalidInput("its SHA-256 is not the one in the manifest")
        tally.state = "same"
        return
    copy = intake.take(path, file.sha256, file.rows, work.folder)
    with damage(file.file, checked.faults):
        rows = rows_of(work.db, feed, copy, file.file, checked.faults)
        if rows is not None:
            count = (
                _unloaded(rows, feed, checked)
                if feed.name not in LOADED
                else work.add(feed, checked.number, rows, secret)
            )
            tally.state = _state(feed, delivery, recorded)
            if tally.state == "older":
                newest = max(day for day, _ in recorded)
                checked.newer = max(checked.newer or newest, newest)
            demo, latest = bool(checked.manifest and checked.manifest.demo), tally.state == ""
            work.add_part(checked.number, feed.name, delivery.source, file.file, demo=demo, latest=latest)
            if count != file.rows:
                checked.faults.add(file.file, f"it has {count} rows, the manifest says {file.rows}")
    copy.unlink()


def _state(feed: Feed, delivery: Delivery, recorded: list[tuple[date, str]]) -> str:
    if feed.name not in LOADED:
        return "not loaded yet"
    if feed.daily:
        return ""  # a daily feed replaces its own day, whichever it is
    return "older" if any(day > delivery.day for day, _ in recorded) else ""


def _unloaded(rows: DuckDBPyRelation, feed: Feed, checked: Checked) -> int:
    """Checks the rows of a feed that is not loaded yet."""
    check_values(rows, feed, checked.file(feed.name), checked.faults)
    return len(rows)


def judge_first(work: Workspace, day: list[Checked]) -> None:
    """Judges the feeds that the others refer to; a delivery that is bad is taken out of the day."""
    _judge_alone(work, day, FIRST)
    settle(work, day)


def judge_rest(work: Workspace, day: list[Checked], standing: list[Checked]) -> None:
    """Judges the other feeds, also while the first ones of the deliveries that stand are merged.

    None of those is taken out: where one of them turned bad, `settle` is to come when nothing is merged any more.
    """
    _judge_alone(work, day, REST)
    numbers = {one.number for one in standing}
    for one in day:
        if one.number not in numbers:
            work.drop_delivery(one.number)
    if all(one.good for one in standing):
        _judge_together(work, standing, REST)


def settle(work: Workspace, day: list[Checked]) -> None:
    """Takes the bad deliveries out of a day, and those that cannot stand without them."""
    while True:
        for one in day:
            if not one.good:
                work.drop_delivery(one.number)
        good = [one for one in day if one.good]
        _judge_together(work, good, LOADED)
        if all(one.good for one in good):
            return


def _judge_alone(work: Workspace, day: list[Checked], feeds: Sequence[str]) -> None:
    """Notes what is wrong with the values of what is news."""
    loaded = [name for name in feeds if name in LOADED]
    work.find_news(loaded)
    for one in day:
        for name in loaded:
            tally = one.tallies.get(name)
            if tally is None or tally.state == "same":
                continue
            before, of_delivery = one.faults.count, ColumnExpression("delivery") == constant(one.number)
            check_values(work.news(name).filter(of_delivery), FEEDS[name], one.file(name), one.faults)
            if one.faults.count > before:
                tally.state = "bad"


def _judge_together(work: Workspace, good: list[Checked], feeds: Sequence[str]) -> None:
    numbered = {one.number: one for one in good}
    for number, first, count in reference.together(work, [name for name in LOADED if name in feeds]):
        numbered[number].faults.add_many(first, count)


def count_changes(work: Workspace, day: list[Checked], feed: str) -> None:
    """Fills the tallies of a feed from the tables that tell what changed."""
    changes = work.db.table(f"changed_{feed}").aggregate("delivery, fresh, count(*)", "delivery, fresh").fetchall()
    ended = work.db.table(f"gone_{feed}").aggregate("delivery, count(*)", "delivery").fetchall() if feed in _END else []
    for one in day:
        tally = one.tallies.get(feed)
        if tally is None:
            continue
        tally.added = sum(count for number, fresh, count in changes if number == one.number and fresh)
        tally.changed = sum(count for number, fresh, count in changes if number == one.number and not fresh)
        tally.ended = sum(count for number, count in ended if number == one.number)


_END = ("branch", "employee", "relation", "product", "contract", "questionnaire")
"""Feeds whose rows may end by being gone."""
