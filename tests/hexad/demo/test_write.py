"""The same arguments give the same bytes, in every form, and the loader takes all of it."""

import datetime
import hashlib
from pathlib import Path
from typing import Literal

import pytest

from hexad.demo import write
from hexad.demo.brokerage import made_up
from kernel.settings import Settings
from tests.workers.collection.maker import counts, rows, take

Form = Literal["csv", "csv.gz", "parquet"] | None


def written(folder: Path, form: Form = None, seed: int = 1, days: int = 2) -> dict[str, str]:
    """Every file of a small brokerage with its SHA-256."""
    brokerage = made_up(3000, days, seed, datetime.date(2026, 11, 20))
    list(write.write(brokerage, folder, form))
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(one.relative_to(folder)): hashlib.sha256(one.read_bytes()).hexdigest() for one in files}


@pytest.mark.parametrize("form", ["csv", "csv.gz", "parquet", None])
def test_the_same_arguments_give_the_same_bytes(tmp_path: Path, form: Form) -> None:
    assert written(tmp_path / "a", form) == written(tmp_path / "b", form)
    assert written(tmp_path / "a", form) != written(tmp_path / "c", form, seed=2)


async def test_every_day_of_it_is_loaded(own_settings: Settings, tmp_path: Path) -> None:
    written(tmp_path / "out", days=3)
    good, said = await take(own_settings, tmp_path / "out")
    assert good, said
    found = await counts(own_settings)
    assert (found["customer"], found["delivery"]) == (3000, 24)
    assert await rows(own_settings, "select count(*) from customer where assets = 0 and closed_on is null") == [(0,)]
