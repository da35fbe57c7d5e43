"""One day's deliveries: taken in, checked alone and together, so that only what is good is left to load."""

import contextlib
from collections.abc import Callable, Iterable, Mapping
from datetime import date

import msgspec
from duckdb import ColumnExpression, DuckDBPyRelation

from kernel.calendar import days
from kernel.errors import InvalidInput
from workers.collection import intake, reference
from workers.collection.check import check_values
from workers.collection.column import FEEDS, LOADED, Feed
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

    `newer` is the newest day that is loaded, where that is after the delivery's.
    """

    number: int
    delivery: Delivery
    faults: Faults
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


def coming(day: Iterable[Checked], recorded: Iterable[Recorded]) -> set[str]:
    """The feeds of a day of which there may be something to load."""
    feeds = set()
    for one, loaded in zip(day, recorded, strict=True):
        with contextlib.suppress(InvalidInput):  # what is wrong with a manifest is told by `check`
            files = one.delivery.read().feeds
            feeds |= {name for name in files if (one.delivery.day, files[name].sha256) not in loaded.get(name, [])}
    return feeds & set(LOADED)


def check(work: Workspace, checked: Checked, recorded: Recorded, secret: str, tell: Callable[[int], None]) -> None:
    """Takes a delivery in and checks its form; what is wrong is noted in its faults."""
    try:
        checked.manifest = checked.delivery.read()
    except InvalidInput as error:
        checked.faults.add("manifest.json", error.detail)
        return
    if checked.delivery.day > days.today() and not checked.manifest.demo:
        checked.faults.add("manifest.json", f"its day has not come yet: in Beijing it is {days.today()}")
        return
    for name, file in checked.manifest.feeds.items():
        before = checked.faults.count
        checked.tallies[name] = Tally(rows=file.rows)
        try:
            _feed(work, checked, FEEDS[name], file, recorded.get(name, []), secret)
        except InvalidInput as error:
            checked.faults.add(file.file, error.detail)
        if checked.faults.count > before:
            checked.tallies[name].state = "bad"
        tell(file.rows)


def _feed(
    work: Workspace, checked: Checked, feed: Feed, file: File, recorded: list[tuple[date, str]], secret: str
) -> None:
    delivery, tally = checked.delivery, checked.tallies[feed.name]
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


def judge_alone(work: Workspace, checked: Checked) -> None:
    """Checks the values of what a delivery has that is news; one that is bad is taken out of the day."""
    for name, tally in checked.tallies.items():
        if name in LOADED and tally.state != "same":
            before, of_delivery = checked.faults.count, ColumnExpression("delivery") == constant(checked.number)
            check_values(work.news(name).filter(of_delivery), FEEDS[name], checked.file(name), checked.faults)
            if checked.faults.count > before:
                tally.state = "bad"
    if not checked.good:
        work.drop_delivery(checked.number)


def judge(work: Workspace, day: list[Checked]) -> None:
    """Judges the deliveries of a day alone and over one another; one that turns bad may take others along."""
    work.find_news()
    for one in day:
        judge_alone(work, one)
    while True:
        good = {one.number: one for one in day if one.good}
        for number, first, count in reference.together(work):
            good[number].faults.add_many(first, count)
        bad = [one for one in good.values() if not one.good]
        for one in bad:
            work.drop_delivery(one.number)
        if not bad:
            return


def count_changes(work: Workspace, day: list[Checked], feed: str) -> None:
    """Fills the tallies of a feed from the tables that tell what changed."""
    changes = work.db.table(f"changed_{feed}").aggregate("delivery, fresh, count(*)", "delivery, fresh").fetchall()
    ended = work.db.table(f"gone_{feed}").aggregate("delivery, count(*)", "delivery").fetchall() if feed in _END else []
    for one in day:
        tally = one.tallies.get(feed)
        if tally is None:
            continue
        for number, fresh, count in changes:
            if number == one.number:
                tally.added, tally.changed = (count, tally.changed) if fresh else (tally.added, count)
        tally.ended = sum(count for number, count in ended if number == one.number)


_END = ("branch", "employee", "relation", "product", "contract", "questionnaire")
"""Feeds whose rows may end by being gone."""
