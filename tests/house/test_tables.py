"""Every table has its owner, named in the docstring of a package, and only the owner's .sql files write it.

"Owns the tables `a`, `b` (with `other`)." is the line; a table of two packages is named by both, each with the other.
A query elsewhere says `-- writes: a, why` below its name, which a centre may not.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from kernel.store.database import Tx
from tests.house.test_files import PACKAGES, ROOT, tracked

HOUSE = set(PACKAGES) - {"bench"}  # which fills a database of its own
_LINE = re.compile(r"Owns the tables? (.+?)\.(?:\s|$)", re.DOTALL)
_NAMED = re.compile(r"`?\b(\w+)\b`?(?:\s+\(with\s+`?([\w/]+)`?\))?")
_WRITE = re.compile(
    r"\b(?:insert\s+into|update|delete\s+from|merge\s+into|truncate(?:\s+table)?)\s+(\w+)", re.IGNORECASE
)
_EXCUSE = re.compile(r"^-- writes: (\w+), \w.{7,}", re.MULTILINE)


class Owner(Struct, frozen=True):
    """A package and the tables it owns, each with the package that it shares the table with, or none."""

    package: str
    tables: dict[str, str]


def owner_of(root: Path, folder: Path, known: set[str]) -> Owner:
    """The nearest package upwards that says which tables it owns."""
    while folder != root:
        doc = (
            ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
            if (folder / "__init__.py").exists()
            else ""
        )
        if line := _LINE.search(doc or ""):
            named = {match[1]: match[2] or "" for match in _NAMED.finditer(line[1]) if match[1] in known}
            return Owner(str(folder.relative_to(root)), named)
        folder = folder.parent
    return Owner("", {})


def trespasses(root: Path, path: Path, known: set[str]) -> Iterator[str]:
    """Queries of one file that write what is not theirs."""
    owner = owner_of(root, path.parent, known)
    for block in re.split(r"^(?=-- name:)", path.read_text(), flags=re.MULTILINE):
        excused = set() if owner.package.startswith("centers") else set(_EXCUSE.findall(block))
        written = {name.lower() for name in _WRITE.findall(re.sub(r"--.*", "", block))} & known
        for table in sorted(written - owner.tables.keys() - excused):
            yield f"{path.relative_to(root)} writes {table}: {block.splitlines()[0]}"


def disputes(owners: list[Owner], known: set[str]) -> list[str]:
    """Tables that nobody owns, and those of several packages which do not name one another."""
    holders: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for owner in owners:
        for table, other in owner.tables.items():
            holders[table][owner.package] = other
    ownerless = [f"nobody owns {table}" for table in sorted(known - holders.keys())]
    return ownerless + [
        f"{table} is owned by {sorted(named)}"
        for table, named in sorted(holders.items())
        if sorted(other for other in named.values() if other) != (sorted(named) if len(named) > 1 else [])
    ]


def packages() -> list[Path]:
    """Every package of the house."""
    return [path.parent for path in tracked("__init__.py") if path.relative_to(ROOT).parts[0] in HOUSE]


@pytest.fixture
async def known(tx: Tx) -> set[str]:
    """The tables of the schema."""
    rows = await tx.fetch(
        "select relname from pg_class where relkind in ('r', 'p') and not relispartition"
        " and relnamespace = 'public'::regnamespace"
    )
    return {row[0] for row in rows}


def test_only_its_owner_writes_a_table(known: set[str]) -> None:
    ours = [path for path in tracked(".sql") if path.relative_to(ROOT).parts[0] in HOUSE]
    ours = [path for path in ours if "schema" not in path.parts and not path.name.endswith(".duckdb.sql")]
    assert len(ours) > 10
    assert [one for path in ours for one in trespasses(ROOT, path, known)] == []


def test_every_table_has_one_owner_or_owners_that_know_of_one_another(known: set[str]) -> None:
    owners = {owner.package: owner for folder in packages() if (owner := owner_of(ROOT, folder, known)).package}
    assert disputes(list(owners.values()), known) == []


def test_a_trespasser_is_found_and_an_excuse_is_heard_outside_the_centres(tmp_path: Path) -> None:
    known = {"unit", "job", "note"}
    for package, doc in (
        ("centers/a", "Owns the table `unit`."),
        ("workers", "Work.\n\nOwns the tables job\n(with kernel)."),
    ):
        (tmp_path / package).mkdir(parents=True)
        (tmp_path / package / "__init__.py").write_text(f'"""{doc}"""\n')
    query = (
        "-- name: a()!\n-- writes: note, nobody else is there to do it\nwith x as (update unit set id = 1)\n"
        "DELETE  FROM note;\n"
    )
    for package in ("centers/a", "workers"):
        (tmp_path / package / "inner").mkdir()
        (tmp_path / package / "inner" / "queries.sql").write_text(
            query + "-- name: b()\nselect 1 from job for update;\n"
        )
    assert owner_of(tmp_path, tmp_path / "workers", known).tables == {"job": "kernel"}
    (centre,) = trespasses(tmp_path, tmp_path / "centers" / "a" / "inner" / "queries.sql", known)
    (worker,) = trespasses(tmp_path, tmp_path / "workers" / "inner" / "queries.sql", known)
    assert centre.startswith("centers/a/inner/queries.sql writes note")
    assert worker.startswith("workers/inner/queries.sql writes unit")


def test_a_table_without_an_owner_or_with_two_is_found() -> None:
    alone, other, shared = Owner("a", {"x": "", "y": "b"}), Owner("b", {"x": "", "y": "a"}), Owner("c", {"z": "a"})
    assert disputes([alone, other, shared], {"x", "y", "z", "w"}) == [
        "nobody owns w", "x is owned by ['a', 'b']", "z is owned by ['c']",
    ]  # fmt: skip
