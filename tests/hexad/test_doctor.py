"""`hexad doctor`: well for a system that is well; each thing that is wrong is named with the way out."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from hexad import doctor
from hexad.checks import flow
from hexad.embedded import Postgres
from kernel.settings import Settings, parse
from tests import clusters
from tests.hexad.running import Up, own_environment

pytestmark = pytest.mark.xdist_group("up")


def test_a_system_that_is_well_passes_and_the_probe_comes_back(system: Up) -> None:
    checked = system.run("doctor")
    assert checked.returncode == 0, checked.stdout
    lines = checked.stdout.splitlines()
    parts = {line.split()[1] for line in lines if line.startswith("ok ")}
    assert {"software", "api", "realtime", "worker", "relay", "beat", "database", "schema", "pipeline"} <= parts
    assert any("outbox, relay, broker, worker and back in" in line for line in lines)


def test_settings_are_shown_with_their_source_and_secrets_are_not(system: Up) -> None:
    lines = system.run("doctor").stdout.splitlines()
    shown = {line.split()[0]: line.split()[1:] for line in lines if line.startswith("HEXAD_")}
    assert set(shown) == {f"HEXAD_{name.upper()}" for name in Settings.__struct_fields__}
    assert shown["HEXAD_API_PORT"] == [system.environment["HEXAD_API_PORT"], "environment"]
    assert shown["HEXAD_POOL_SIZE"] == ["10", "default"]
    assert shown["HEXAD_TOKEN_KEY"] == ["(set)", "keys.env"]


def test_json_holds_the_same(system: Up) -> None:
    report = json.loads(system.run("doctor", "--json").stdout)
    assert {finding["state"] for finding in report["findings"]} <= {"ok", "warn"}
    keys = (Path(system.environment["HEXAD_VAR"]) / "keys.env").read_text()
    secrets = [line.split("=", 1)[1] for line in keys.splitlines() if line.startswith("HEXAD_")]
    assert not [secret for secret in secrets if secret in json.dumps(report)]


def test_without_a_running_system_it_fails_and_says_what_to_do(tmp_path: Path) -> None:
    up_less = parse({k: v for k, v in own_environment(tmp_path / "var").items() if k.startswith("HEXAD_")})
    located = msgspec.structs.replace(up_less, database_url=Postgres(tmp_path / "postgres").url("hexad_app"))
    report = doctor.examine(up_less, located)
    failed = {finding.part: finding for finding in report.findings if finding.state == "fail"}
    assert report.failed
    assert {"api", "relay", "worker", "database", "keys"} <= set(failed)
    assert failed["database"].mend == "start everything with `hexad up`"


def test_a_dead_database_under_a_running_system_is_not_answered_by_starting_the_system(tmp_path: Path) -> None:
    given = parse({k: v for k, v in own_environment(tmp_path).items() if k.startswith("HEXAD_")})
    located = msgspec.structs.replace(given, database_url=Postgres(tmp_path / "postgres").url("hexad_app"))
    hold = "import sys, pathlib, hexad.leftovers as l\nwith l.alone(pathlib.Path(sys.argv[1])): print(); input()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as up:
        assert up.stdout
        up.stdout.readline()
        failed = {one.part: one.mend for one in doctor.examine(given, located).findings if one.state == "fail"}
        up.communicate("\n")
    assert "`hexad up` runs here and starts PostgreSQL again" in failed["database"]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no worker runs, a probe is not waited for as long as an operator would."""
    monkeypatch.setattr(flow, "PROBE_SECONDS", 0.5)


@pytest.mark.usefixtures("impatient")
def test_each_finding_is_told_at_once(own_settings: Settings) -> None:
    told: list[str] = []
    report = doctor.examine(own_settings, own_settings, lambda finding: told.append(finding.part))
    assert told == [finding.part for finding in report.findings]


@pytest.mark.usefixtures("impatient")
def test_processes_on_other_hosts_are_a_warning(own_settings: Settings, free_port: Callable[[], int]) -> None:
    alone = msgspec.structs.replace(own_settings, **{f"{one}_port": free_port() for one in ("api", "relay", "worker")})
    findings = {finding.part: finding for finding in doctor.examine(alone, alone).findings}
    assert findings["api"].state == "warn"
    assert "HEXAD_API_PORT" in findings["api"].mend
    assert findings["pipeline"].state == "fail"


def test_a_check_that_the_database_refuses_is_a_finding(postgres: Postgres, own_settings: Settings) -> None:
    database = own_settings.database_url.partition("?")[0].rpartition("/")[2]
    postgres.psql("-c", "revoke all on job from hexad_app", database=database)
    failed = {one.part: one for one in doctor.examine(own_settings, own_settings).findings if one.state == "fail"}
    assert "permission denied for table job" in failed["database"].says
    assert "hexad migrate" in failed["database"].mend


def test_a_database_that_was_never_migrated_is_told_so(postgres: Postgres, own_settings: Settings) -> None:
    with clusters.database(postgres, "template1") as name:
        bare = msgspec.structs.replace(own_settings, database_url=postgres.url("hexad_app", name))
        findings = {finding.part: finding for finding in doctor.examine(bare, bare).findings}
    assert findings["schema"].state == "fail"
    assert findings["schema"].mend == "run `hexad migrate`"
