"""What was measured is printed and kept, and what is short ends with 1."""

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

import bench.ingest
from bench.figures import below, machine
from hexad.commands.bench import bench as command


@pytest.mark.parametrize(("seconds", "code", "said"), [(200.0, 0, "reached"), (300.0, 1, "SHORT")])
def test_figures_stand_beside_what_is_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, seconds: float, code: int, said: str
) -> None:
    def measured(customers: int, *_: object) -> bench.ingest.Report:
        asked = [below("seconds", 240, [seconds])]
        return bench.ingest.Report(machine("18"), customers, [], 1.0, (0.0, 0.0), asked)

    monkeypatch.setattr("bench.ingest.run", measured)
    done = CliRunner().invoke(command, ["ingest", "--customers", "1000", "--json", str(tmp_path / "figures.json")])
    assert (done.exit_code, done.output.splitlines()[-1].split()[0]) == (code, said)
    kept = msgspec.json.decode((tmp_path / "figures.json").read_bytes(), type=bench.ingest.Report)
    assert (kept.customers, kept.asked[0].figure) == (1000, seconds)
