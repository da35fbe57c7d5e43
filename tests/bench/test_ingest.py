"""The benchmark of loading runs whole on a small brokerage."""

from pathlib import Path

import msgspec
import pytest

from bench.ingest import Report, run
from kernel.errors import Misconfigured


@pytest.mark.timeout(180)
def test_it_measures_three_loads_and_a_floor() -> None:
    said: list[str] = []
    report = run(1500, None, said.append)
    again = msgspec.json.decode(msgspec.json.encode(report), type=Report)
    assert [one.what for one in again.loads] == ["into nothing", "the same again", "the next day"]
    assert all(one.seconds > 0 < min(one.ours.memory_mib, one.ours.processor_seconds) for one in again.loads)
    assert all(one.postgresql.memory_mib > 0 for one in again.loads)
    assert all(one.reads.count > 0 == one.reads.failures for one in again.loads)
    assert again.floor_seconds > 0
    assert len(said) == 1 + len(again.loads)
    assert [one.reached for one in again.asked] == [True] * 12, "a small brokerage is well within all bounds"
    assert sum(line.startswith("reached ") for line in again.lines()) == 12


def test_a_folder_that_is_kept_may_not_hold_another_database(tmp_path: Path) -> None:
    (tmp_path / "postgres" / "data").mkdir(parents=True)
    with pytest.raises(Misconfigured, match="name an empty folder"):
        run(1500, tmp_path, lambda line: None)
