"""The benchmark of loading runs whole on a small brokerage."""

import pytest

from bench.ingest import run


@pytest.mark.timeout(180)
def test_it_measures_three_loads_and_a_floor() -> None:
    said: list[str] = []
    report = run(1500, said.append)
    assert [one.what for one in report.loads] == ["into nothing", "the same again", "the next day"]
    assert all(one.seconds > 0 < one.memory_mib for one in report.loads)
    assert report.floor_seconds > 0
