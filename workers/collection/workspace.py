"""Where deliveries are read and compared: DuckDB in a private folder, bounded in memory, gone afterwards."""

import asyncio
import contextlib
import fcntl
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

import duckdb
from duckdb import (
    ColumnExpression,
    ConstantExpression,
    DuckDBPyConnection,
    Expression,
    FunctionExpression,
    StarExpression,
)

from kernel.errors import Unavailable
from workers.collection.column import FEEDS, LOADED, NUMBERS, Column, Feed

_P = ParamSpec("_P")
_T = TypeVar("_T")
MEMORY = "1000MB"
_HERE = Path(__file__).parent
_STEPS = {
    part.partition("\n")[0]: part.partition("\n")[2]
    for part in (_HERE / "compare.duckdb.sql").read_text().split("-- step: ")[1:]
}


@contextlib.contextmanager
def workspace(var: Path) -> Iterator["Workspace"]:
    """A workspace below `var`; what killed runs left there is removed. Raises `Unavailable` where none can be made."""
    folder = _own_folder(var / "collection")
    try:
        with (folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _tidy(folder)
            with duckdb.connect(folder / "work.duckdb", config=_config(folder)) as connection:
                yield Workspace(folder, connection)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _own_folder(root: Path) -> Path:
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(dir=root))
    except OSError as error:
        raise Unavailable(f"{root} cannot be worked in: {error.strerror}") from error


def _config(folder: Path) -> dict[str, str | bool | int | float | list[str]]:
    return {
        "memory_limit": MEMORY,
        "temp_directory": str(folder / "spill"),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "checkpoint_threshold": "1TB",  # all of it is thrown away
    }


def _tidy(own: Path) -> None:
    """Removes folders whose process is gone: their lock is free."""
    for other in own.parent.iterdir():
        if other == own or not other.is_dir():
            continue
        with contextlib.suppress(OSError), (other / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(other, ignore_errors=True)


class Workspace:
    """The tables of one day: per feed all rows of all deliveries, every value as text."""

    def __init__(self, folder: Path, connection: DuckDBPyConnection) -> None:
        self.folder, self.db = folder, connection
        connection.execute("pragma force_compression = 'uncompressed'")  # rows live for minutes, time counts more
        connection.execute("pragma disable_checkpoint_on_shutdown")
        connection.execute((_HERE / "check.duckdb.sql").read_text())
        self.run("macros")

    def run(self, step: str, **parameters: object) -> None:
        """One step of `compare.duckdb.sql`."""
        self.db.execute(_STEPS[step], parameters or None)

    async def beside(self, function: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs) -> _T:
        """Runs what uses these tables in a thread; cancelled, it is interrupted and waited for, to end before them."""
        running = asyncio.get_running_loop().run_in_executor(None, partial(function, *arguments, **named))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            self.db.interrupt()
            await asyncio.gather(running, return_exceptions=True)
            raise

    def begin_day(self, day: date) -> None:
        """Empty tables for the feeds of a day."""
        self.run("begin")
        self.run("day", day=f"{day}")
        nothing = self.db.sql("select 0 as delivery, 0::bigint as row_no, '' as digest").limit(0)
        for name in LOADED:
            texts = [constant("").alias(column.name) for column in FEEDS[name].columns]
            self.db.execute(f"drop table if exists {name}")
            nothing.project(StarExpression(), *texts).create(name)
            self._see(FEEDS[name])

    def _see(self, feed: Feed) -> None:
        """The view `live_<feed>`: the rows of the deliveries that are good so far, with their key and source."""
        of_feed = self.db.table("part").filter(ColumnExpression("feed") == constant(feed.name))
        parts = of_feed.project("delivery, source, file, demo, latest")
        rows = joined(self.db.table(feed.name), parts, "delivery")
        key = call("concat_ws", constant("\x1f"), *map(ColumnExpression, feed.key))
        rows.project(StarExpression(), key.alias("key")).create_view(f"live_{feed.name}", replace=True)

    def live(self, feed: str) -> duckdb.DuckDBPyRelation:
        """The rows of a feed in the deliveries that are good so far."""
        return self.db.view(f"live_{feed}")

    def news(self, feed: str) -> duckdb.DuckDBPyRelation:
        """Those of them that are not known just so, from the same source; there after `find_news`."""
        return self.db.view(f"news_{feed}")

    def find_news(self) -> None:
        """Finds out which rows the database has already, by their digests: they were judged when they were loaded."""
        for name in LOADED:
            live, known = self.live(name), self.db.table(f"known_{name}")
            self.db.execute(f"drop view if exists news_{name}")
            if "digest" in known.columns and len(known):
                self.db.execute(f"drop table if exists row_{name}")
                joined(live, known, "l.digest = r.digest and l.source = r.source", "anti").create(f"row_{name}")
                good = self.db.table("part").filter(ColumnExpression("feed") == constant(name)).project("delivery")
                live = joined(self.db.table(f"row_{name}"), good, "delivery", "semi")
            live.create_view(f"news_{name}")

    def add_part(self, delivery: int, feed: str, source: str, file: str, *, demo: bool, latest: bool) -> None:
        """Notes that a delivery has a feed; `latest` when no newer day of it is loaded."""
        self.db.table("part").insert([delivery, feed, source, file, demo, latest])

    def drop_delivery(self, delivery: int) -> None:
        """Takes a bad delivery out of the day."""
        self.db.execute("delete from part where delivery = ?", [delivery])

    def has(self, feed: str) -> bool:
        """Whether a good delivery has the feed."""
        return bool(len(self.db.table("part").filter(ColumnExpression("feed") == constant(feed))))

    def add(self, feed: Feed, delivery: int, rows: duckdb.DuckDBPyRelation, secret: str) -> int:
        """Adds the rows of one file, whose columns are text already, and gives how many they are."""
        names = [column.name for column in feed.columns]
        parts = [call("known", _one_form(column)) for column in feed.columns]
        digest = call("digest", constant(secret), call("concat_ws", constant("\x1f"), *parts))
        own = [constant(delivery).alias("delivery"), ColumnExpression("row_no"), digest.alias("digest")]
        rows.project(*own, *map(ColumnExpression, names)).insert_into(feed.name)
        return len(self.rows(feed.name, delivery))

    def rows(self, feed: str, delivery: int) -> duckdb.DuckDBPyRelation:
        """The rows of one delivery."""
        return self.db.table(feed).filter(ColumnExpression("delivery") == constant(delivery))


def _one_form(column: Column) -> Expression:
    """A value as it goes into the digest of its row: numbers in one form, however the file writes them."""
    value = ColumnExpression(column.name)
    return call("shortest", value) if column.kind in NUMBERS else value


def call(name: str, *arguments: Expression) -> Expression:
    """A function or macro of DuckDB."""
    return FunctionExpression(name, *arguments)


def constant(value: object) -> Expression:
    """A value that is data, never SQL."""
    return ConstantExpression(value)


def joined(
    left: duckdb.DuckDBPyRelation, right: duckdb.DuckDBPyRelation, on: str, how: str = "inner"
) -> duckdb.DuckDBPyRelation:
    """Rows of both (`l` and `r`) that agree `on` a column or a condition; `anti`: those of the left that have none."""
    return left.set_alias("l").join(right.set_alias("r"), on, how)
