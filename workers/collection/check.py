"""Holds every value of a delivery's rows against its column; a value is never told, only what is wrong with it."""

from collections.abc import Callable, Iterable, Mapping

from duckdb import CaseExpression, ColumnExpression, DuckDBPyRelation, Expression

from kernel.calendar import days
from kernel.errors import InvalidInput
from kernel.text import personal
from workers.collection.column import Column, Feed
from workers.collection.fault import KEPT, Fault, Faults
from workers.collection.workspace import call, constant

IDENTITY_CARD = "identity_card"
"""The id_kind (身份证) whose numbers have a form and a check digit; those of other documents are free text."""

_BATCH = 10_000


def check_values(rows: DuckDBPyRelation, feed: Feed, file: str, faults: Faults) -> None:
    """Adds the faults of the rows, which have the columns of the feed as text."""
    tests = {column.name: _fault(column) for column in feed.columns}
    for earlier, later in feed.orders:
        tests[later] = _first(tests[later], _order(earlier, tests[earlier], later))
    counts = rows.aggregate([call("count", test).alias(name) for name, test in tests.items()]).fetchall()[0]
    for (name, test), count in zip(tests.items(), counts, strict=True):
        if count:
            bad = rows.project(ColumnExpression("row_no"), test.alias("what")).filter("what is not null")
            shown = bad.order("row_no").limit(KEPT).fetchall()
            faults.add_many([Fault(file, row, name, what) for row, what in shown], count)
    _personal(rows, feed, tests, file, faults)
    if feed.name == "customer":
        _remark(rows, file, faults)


def _remark(rows: DuckDBPyRelation, file: str, faults: Faults) -> None:
    """Notes what may well be wrong with customers, and stops nothing."""
    today, card = constant(f"{days.today()}"), ColumnExpression("id_kind") == constant(IDENTITY_CARD)
    doubts = {
        "birthday": (call("doubt_birthday", ColumnExpression("birthday"), today), "a day that has not come yet"),
        "id_no": (
            card & call("doubt_id_no", ColumnExpression("id_no"), today),
            "the birthday in an identity number is no day, or has not come yet",
        ),
    }
    for name, (doubt, what) in doubts.items():
        first, count = rows.filter(doubt).aggregate("min(row_no), count(*)").fetchall()[0]
        if count:
            faults.remark(file, name, what, first, count)


def _fault(column: Column) -> Expression:
    """What is wrong with a value of the column, as text, null when nothing is."""
    value, nothing = ColumnExpression(column.name), constant(None)
    missing = nothing if column.empty else constant("is empty")
    if column.kind == "choice":
        known = value.isin(*map(constant, column.choices))
        wrong = CaseExpression(~known, constant(f"is none of {', '.join(column.choices)}"))
    else:
        wrong = call(f"fault_{column.kind}", value)
    if column.least:
        wrong = _first(wrong, call("fault_negative", value))
    if column.most is not None:
        wrong = _first(wrong, call("fault_over", value, constant(column.most)))
    return CaseExpression(value.isnull(), missing).otherwise(wrong)


def _order(earlier: str, fault: Expression, later: str) -> Expression:
    """Days are compared as text, where the earlier one has no fault of its own."""
    wrong = (ColumnExpression(later) < ColumnExpression(earlier)) & fault.isnull()
    return CaseExpression(wrong, constant(f"is before {earlier}"))


def _first(one: Expression, other: Expression) -> Expression:
    return CaseExpression(one.isnotnull(), one).otherwise(other)


def _personal(rows: DuckDBPyRelation, feed: Feed, tests: Mapping[str, Expression], file: str, faults: Faults) -> None:
    """Mobile and identity numbers of unusual form are judged by the kernel's own rules."""
    kinds = {column.name: column.kind for column in feed.columns}
    if "mobile" in kinds.values():
        doubtful = rows.filter(~call("plain_mobile", ColumnExpression("mobile")) & tests["mobile"].isnull())
        _judge(doubtful, "mobile", personal.mobile, "is no mobile number", file, faults)
    if "id_no" in kinds.values():
        cards = rows.filter(ColumnExpression("id_kind") == constant(IDENTITY_CARD))
        doubtful = cards.filter(~call("plain_id_no", ColumnExpression("id_no")) & tests["id_no"].isnull())
        _judge(doubtful, "id_no", personal.id_no, "is no identity number, or its check digit is wrong", file, faults)


def _judge(
    doubtful: DuckDBPyRelation, name: str, normal: Callable[[str], str], what: str, file: str, faults: Faults
) -> None:
    bad: list[int] = []
    count = 0
    for batch in doubtful.project(f"row_no, {name}").to_arrow_reader(_BATCH):
        wrong = list(_wrong(zip(*[column.to_pylist() for column in batch.columns], strict=True), normal))
        count += len(wrong)
        bad.extend(wrong[: KEPT - len(bad)])
    faults.add_many([Fault(file, row, name, what) for row in bad], count)


def _wrong(batch: Iterable[tuple[int, str]], normal: Callable[[str], str]) -> Iterable[int]:
    for row, value in batch:
        try:
            normal(value)
        except InvalidInput:
            yield row
