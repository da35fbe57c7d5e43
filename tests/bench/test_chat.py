"""A run in small, with real processes: everything sent is accepted and stored, and the report has what is asked."""

from pathlib import Path

import msgspec

from bench.chat import Parameters, run
from bench.figures import Report


def test_a_run_gives_every_figure_and_nothing_fails(tmp_path: Path) -> None:
    said: list[str] = []
    report = run(Parameters(4, 50, 1, start=60, most=80, storm=6), tmp_path, said.append)
    again = msgspec.json.decode(msgspec.json.encode(report), type=Report)
    assert {(one.what, one.server) for one in again.figures} == {
        ("at 50/s", "ours"), ("highest", "ours"), ("highest", "floor"), ("6 cut at once", "ours"),
        ("node killed", "ours"),
    }  # fmt: skip
    assert all(one.failures == 0 and one.requests_per_second > 0 for one in again.figures)
    assert [one.what.split(":")[-1].strip() for one in again.asked][-4:] == [
        "ours / floor", "seconds until all are ready again", "seconds until all sign in and speak",
        "requests that failed",
    ]  # fmt: skip
    assert len(said) == len(again.figures) + 4, "a line for each of three storms, and of three kills"
