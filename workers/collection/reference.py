"""What can be judged only over all deliveries of a day: keys twice, references to nothing, rows that must stay."""

from duckdb import ColumnExpression, DuckDBPyRelation

from workers.collection.column import FEEDS, LOADED, Feed
from workers.collection.fault import KEPT, Fault
from workers.collection.workspace import Workspace, call, constant, joined

Found = tuple[int, list[Fault], int]
"""The number of a delivery, its first faults, how many there are."""

_TWICE = "is there more than once"
_ELSEWHERE = "is delivered by another source too"


def together(work: Workspace) -> list[Found]:
    """The faults of the day's deliveries among themselves and with what is loaded."""
    found: list[Found] = []
    for name in LOADED:
        if not work.has(name):
            continue
        feed, live, news = FEEDS[name], work.live(name), work.news(name)
        found += _faults(_twice(live), feed.key[0], f"the key ({', '.join(feed.key)}) {_TWICE}")
        for reference in feed.references:
            named = news.filter(ColumnExpression(reference.column).isnotnull())
            unknown = _without(work, named, reference.column, reference.feed)
            found += _faults(unknown, reference.column, f"names no known {reference.feed}")
        if len(feed.key) == 1:
            found += _faults(_elsewhere(work, feed), feed.key[0], _ELSEWHERE)
        if feed.stays:
            found += _gone(work, feed)
    return found


def _twice(live: DuckDBPyRelation) -> DuckDBPyRelation:
    """Rows whose key an earlier row has already."""
    ((rows, keys),) = live.aggregate("count(*), count(distinct hash(key))").fetchall()
    if rows == keys:
        return live.limit(0)
    place = "struct_pack(delivery := delivery, row_no := row_no)"
    twice = live.aggregate(f"key, count(*) as times, min({place}) as earliest", "key").filter("times > 1")
    return joined(live, twice, "key").filter(f"{place} > earliest")


def _without(work: Workspace, rows: DuckDBPyRelation, column: str, feed: str) -> DuckDBPyRelation:
    """Rows whose column names a row that is neither delivered nor loaded."""
    for keys in (work.live(feed), work.db.table(f"known_{feed}")):
        rows = joined(rows, keys.project(ColumnExpression("key").alias(column)), column, "anti")
    return rows


def _elsewhere(work: Workspace, feed: Feed) -> DuckDBPyRelation:
    known = work.db.table(f"known_{feed.name}").filter("source <> ''").project("key, source as owner")
    return joined(work.news(feed.name), known, "key").filter("source <> owner")


def _gone(work: Workspace, feed: Feed) -> list[Found]:
    """Rows of a source that are loaded and that its snapshot no longer has."""
    live = work.live(feed.name)
    parts = work.db.table("part").filter(ColumnExpression("feed") == constant(feed.name)).filter("latest")
    known = work.db.table(f"known_{feed.name}").project("key, source")
    gone = joined(joined(known, live.project("key"), "key", "anti"), parts, "source")
    shown = call("right", ColumnExpression("key"), constant(4)).alias("ending")
    found = []
    for delivery, file, count in gone.aggregate("delivery, file, count(*)", "delivery, file").fetchall():
        first = gone.filter(ColumnExpression("delivery") == constant(delivery)).order("key").project(shown).limit(KEPT)
        what = f"a {feed.name} that was delivered before is gone; its number ends in"
        found.append(
            (delivery, [Fault(file, None, feed.key[0], f"{what} {end}") for (end,) in first.fetchall()], count)
        )
    return found


def _faults(bad: DuckDBPyRelation, column: str, what: str) -> list[Found]:
    """Faults of rows with `delivery`, `file` and `row_no`, by delivery."""
    rows = bad.project("delivery, file, row_no")
    found = []
    for delivery, count in rows.aggregate("delivery, count(*)", "delivery").order("delivery").fetchall():
        first = rows.filter(ColumnExpression("delivery") == constant(delivery)).order("row_no").limit(KEPT).fetchall()
        found.append((delivery, [Fault(file, row, column, what) for _, file, row in first], count))
    return found
