"""Every value is held against its column: what fits passes, what does not is told without the value."""

import re
import sys
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel.calendar import days
from kernel.errors import InvalidInput
from kernel.text import personal
from mobile_contracts.base import BLANK, CODE, CODE_LENGTH, NO_CONTROLS
from tests.workers.collection.maker import ID_NO, Row, as_csv, row
from workers.collection.check import check_values
from workers.collection.column import FEEDS
from workers.collection.fault import Faults
from workers.collection.reading import rows_of
from workers.collection.workspace import Workspace, workspace


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace for the tests of this file."""
    with workspace(tmp_path_factory.mktemp("check")) as made:
        yield made


def faults_of(work: Workspace, feed: str, *rows: Row) -> list[str]:
    """The report on these rows."""
    path, faults = work.folder / f"{feed}.csv", Faults()
    path.write_bytes(as_csv(rows, feed))
    found = rows_of(work.db, FEEDS[feed], path, path.name, faults)
    assert found is not None
    check_values(found, FEEDS[feed], path.name, faults)
    return faults.report()


@pytest.mark.parametrize("feed", ["branch", "employee", "customer", "account", "relation"])
def test_a_right_row_has_no_fault(work: Workspace, feed: str) -> None:
    assert faults_of(work, feed, row(feed)) == []


@pytest.mark.parametrize(
    ("feed", "column", "value", "what"),
    [
        ("branch", "branch_code", "", "is empty"),
        ("branch", "branch_code", "a b", "is no code"),
        ("branch", "branch_code", "x" * 21, "is no code"),
        ("branch", "name", "x" * 101, "is longer than 100 characters"),
        ("branch", "name", "a\x01b", "has a control character"),
        ("branch", "name", "a\u0085b", "has a control character"),
        ("branch", "name", "a\nb", "has a control character"),
        ("branch", "name", "  ", "is blank"),
        ("customer", "name", "\u200b", "is blank"),
        ("customer", "name", "\u3000\u2060 ", "is blank"),
        ("customer", "name", "李\u202e娜", "has a control character"),
        ("customer", "name", "李\u2066娜", "has a control character"),
        ("employee", "left_on", "2010-01-01", "is before hired_on"),
        ("employee", "mobile", "12345", "is no mobile number"),
        ("customer", "kind", "robot", "is none of individual, institution"),
        ("customer", "risk_level", "0", "is none of"),
        ("customer", "risk_level", "9" * 38, "is none of"),
        ("customer", "opened_on", "2026-02-30", "is no day"),
        ("customer", "opened_on", "20/11/2026", "is no day"),
        ("customer", "opened_on", "infinity", "is no day"),
        ("customer", "opened_on", "0000-01-01", "is no day"),
        ("customer", "opened_on", "2026-11-20 00:00:00", "is no day"),
        ("customer", "id_no", ID_NO[:-1] + "2", "is no identity number, or its check digit is wrong"),
        ("customer", "closed_on", "2019-01-01", "is before opened_on"),
        ("relation", "share", "0", "is no share"),
        ("relation", "share", "1.0001", "is no share"),
        ("relation", "share", "0.00001", "is no share"),
        ("relation", "share", "NaN", "is no share"),
        ("relation", "share", "1e-1", "is no share"),
        ("relation", "share", "9" * 38, "is no share"),
        ("relation", "share", "-0.5", "is no share"),
        ("relation", "valid_to", "2020-01-01", "is before valid_from"),
    ],
)
def test_a_wrong_value_is_told(work: Workspace, feed: str, column: str, value: str, what: str) -> None:
    right, wrong = row(feed), row(feed, **{column: value})
    (fault,) = faults_of(work, feed, right, wrong)
    assert fault.startswith(f"{feed}.csv row 2 column {column}: {what}")


@pytest.mark.parametrize(
    ("feed", "change"),
    [
        ("customer", {"id_kind": "passport", "id_no": "E12345678"}),
        ("customer", {"id_kind": "business_licence", "id_no": "91310000MA1FL0X00X"}),
        ("customer", {"mobile": "+86 138-0013-8000", "id_no": f" {ID_NO} "}),
        (
            "customer",
            {"mobile": "", "email": "", "gender": "", "birthday": "", "risk_level": "", "risk_assessed_on": ""},
        ),
        ("relation", {"share": "0.5"}),
        ("relation", {"share": "1"}),
        ("relation", {"valid_to": "2020-01-02"}),
    ],
)
def test_what_may_be_so_is_no_fault(work: Workspace, feed: str, change: dict[str, str]) -> None:
    assert faults_of(work, feed, row(feed, **change)) == []


_ODD = st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("\u200b\u3000 \u202e\u00ad\ufeff\x85"))


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(_ODD, min_size=1, max_size=4))
def test_text_passes_exactly_when_the_api_takes_it(work: Workspace, text: str) -> None:
    refused = bool(BLANK.fullmatch(text)) or not re.search(NO_CONTROLS, text) or bool(set(text) & set("\u2028\u2029"))
    assert work.db.execute("select fault_text(?) is not null", [text]).fetchall() == [(refused,)]


def test_what_nobody_sees_is_blank_here_as_in_the_api(work: Workspace) -> None:
    ones = [chr(code) for code in (*range(1, 0xD800), *range(0xE000, sys.maxunicode + 1))]
    work.db.execute("create table one as select unnest(?::varchar[]) as x", [ones])
    blank = {x for (x,) in work.db.execute("select x from one where is_blank(x)").fetchall()}
    assert blank == {one for one in ones if BLANK.fullmatch(one)}


def test_what_may_well_be_wrong_is_remarked_and_loaded(work: Workspace) -> None:
    def card(birth: str) -> str:
        digits = f"110105{birth}002"
        weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
        return digits + "10X98765432"[sum(int(one) * by for one, by in zip(digits, weights, strict=True)) % 11]

    faults, path = Faults(), work.folder / "customer.csv"
    coming = f"{days.today() + timedelta(days=1)}"
    rows = [
        row("customer"), row("customer", id_no=card("19490230")), row("customer", id_no=card("20990101")),
        row("customer", birthday=coming), row("customer", id_kind="passport", id_no="110105194902300"),
        row("customer", birthday=f"{days.today()}", id_no=card("20000229")),
    ]  # fmt: skip
    path.write_bytes(as_csv(rows, "customer"))
    found = rows_of(work.db, FEEDS["customer"], path, path.name, faults)
    assert found is not None
    check_values(found, FEEDS["customer"], path.name, faults)
    assert faults.report() == []
    assert faults.remarks == [
        "customer.csv column birthday: a day that has not come yet (row 4)",
        "customer.csv column id_no: the birthday in an identity number is no day, or has not come yet"
        " (2 rows, the first is row 2)",
    ]


def test_each_wrong_value_is_told_once_and_brings_no_false_one_along(work: Workspace) -> None:
    bad_day = row("customer", opened_on="2026-02-30", closed_on="2026-01-01", status="closed", id_no=ID_NO[:-1] + "2")
    told = faults_of(work, "customer", bad_day, row("customer", mobile="12345"), row("customer", mobile="1" * 41))
    assert [one.split(": ", 1)[0].removeprefix("customer.csv ") for one in sorted(told)] == [
        "row 1 column id_no", "row 1 column opened_on", "row 2 column mobile", "row 3 column mobile",
    ]  # fmt: skip


def test_the_first_hundred_are_told_and_the_rest_counted(work: Workspace) -> None:
    report = faults_of(work, "relation", *[row("relation", share="2", kind="love")] * 250)
    assert len(report) == 101
    assert report[-1] == "and 400 more faults"


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.from_regex(r"[0-9]{1,2}(\.[0-9]{0,5})?", fullmatch=True), min_size=1, max_size=40))
def test_a_share_passes_exactly_when_it_is_one(work: Workspace, shares: list[str]) -> None:
    def right(text: str) -> bool:
        try:
            number = Decimal(text)
        except InvalidOperation:
            return False
        whole, _, part = text.partition(".")
        return 0 < number <= 1 and len(part) <= 4 and len(whole) == 1 and not text.endswith(".")

    rows = [row("relation", share=share) for share in shares]
    wrong = {number for number, share in enumerate(shares, 1) if not right(share)}
    told = {int(one.split(" ")[2]) for one in faults_of(work, "relation", *rows)}
    assert told == wrong


@pytest.mark.parametrize(
    ("written", "shortest"),
    [
        ("0.5000", "0.5"), ("1.", "1"), ("1.0", "1"), ("100", "100"), ("100.00", "100"), ("-0", "0"), ("-0.00", "0"),
        ("007", "7"), ("000", "0"), ("-00.50", "-0.5"), ("10.010", "10.01"), ("-120", "-120"), ("0.05", "0.05"),
    ],
)  # fmt: skip
def test_a_number_has_one_shortest_form(work: Workspace, written: str, shortest: str) -> None:
    assert work.db.execute("select shortest(?)", [written]).fetchall() == [(shortest,)]


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from("aZ09_.:/- \n·／0"), max_size=34))
def test_a_code_passes_exactly_when_the_api_takes_it(work: Workspace, code: str) -> None:
    taken = bool(re.search(CODE, code)) and len(code) <= CODE_LENGTH
    assert work.db.execute("select fault_code(?) is null", [code]).fetchall() == [(taken,)]


_DIGITS = st.from_regex(r"[1-9][0-9]{16}[0-9X]", fullmatch=True)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(_DIGITS, st.just(ID_NO)), min_size=1, max_size=40))
def test_an_identity_number_passes_exactly_when_the_kernel_says_so(work: Workspace, numbers: list[str]) -> None:
    def right(text: str) -> bool:
        try:
            personal.id_no(text)
        except InvalidInput:
            return False
        return True

    told = {
        int(one.split(" ")[2]) for one in faults_of(work, "customer", *[row("customer", id_no=one) for one in numbers])
    }
    assert told == {number for number, one in enumerate(numbers, 1) if not right(one)}
    assert Path(work.folder).is_dir()
