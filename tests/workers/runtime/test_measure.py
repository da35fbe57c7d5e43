"""What waits is told by relay and beat alike, and is absent where it could not be measured; alert rules go by it."""

import re
from pathlib import Path

import asyncpg
import pytest
import yaml

from kernel.audit.anchor import Anchor
from kernel.audit.seal import Sealer
from kernel.errors import Unavailable
from kernel.events.outbox import Record, record
from kernel.settings import Settings
from kernel.store.database import Database
from kernel.telemetry import metrics
from tests.workers.runtime.test_job import odd
from workers.runtime import measure
from workers.runtime.measure import Measure

RULES = yaml.safe_load(Path("deploy/prometheus/alerts.yaml").read_text())["groups"][0]["rules"]
_SERIES = re.compile(r"^(hexad_\w+)(?:\{.*\})? (\S+)$", re.MULTILINE)


def told() -> dict[str, list[float]]:
    """Every series of this process, by the name of its metric."""
    found: dict[str, list[float]] = {}
    for name, value in _SERIES.findall(metrics.render()[0].decode()):
        found.setdefault(name, []).append(float(value))
    return found


def fires(expression: str, series: dict[str, list[float]]) -> bool:
    """Whether a rule of ours holds: `max(metric) > number`, which is not so for what is absent, or `absent(metric)`."""
    if absent := re.fullmatch(r"absent\((\w+)\)", expression):
        return absent[1] not in series
    above = re.fullmatch(r"max\((\w+)\) > (\d+)", expression)
    assert above, expression
    return above[1] in series and max(series[above[1]]) > float(above[2])


def firing() -> set[str]:
    return {rule["alert"] for rule in RULES if fires(rule["expr"], told())}


@pytest.fixture(autouse=True)
def nothing_told() -> None:
    for gauge in (*measure._MEASURED, metrics.SEAL_LAG):
        gauge.clear()


async def test_what_waits_is_measured_and_alarms(database: Database) -> None:
    assert {"NobodyMeasuresTheOutbox", "NobodyMeasuresTheAuditLog"} <= firing()
    await Measure(database, "beat").turn()
    assert told()["hexad_outbox_oldest_seconds"] == [0.0]
    assert not firing() & {"NobodyMeasuresTheOutbox", "EventsDoNotLeave", "JobsSetAside"}
    await odd(database, "raise")
    async with database.transaction() as tx:
        await tx.execute(
            "insert into job (event_id, handler, kind, state) values (gen_random_uuid(), 'x', 'x', 'set_aside')"
        )
        await tx.execute(
            "insert into outbox (event_id, kind, payload, available_at)"
            " values (gen_random_uuid(), 'Probed', '{}', now() - interval '1 minute')"
        )
    await Measure(database, "beat").turn()
    assert told()["hexad_jobs_set_aside"] == [1.0]
    assert told()["hexad_outbox_events_due"] == [1.0]
    assert {"EventsDoNotLeave", "JobsSetAside"} <= firing()


async def test_a_month_that_nobody_made_alarms(database: Database, own_settings: Settings) -> None:
    await Measure(database, "relay").turn()
    assert told()["hexad_months_missing"] == [0.0]
    owner = await asyncpg.connect(own_settings.owner_url)
    (month,) = await owner.fetchrow("select max(month) from months_of('inbound') as month where month <= now()")
    await owner.execute(f"drop table inbound_{month:%Y_%m}")
    await owner.close()
    await Measure(database, "relay").turn()
    assert told()["hexad_months_missing"] == [1.0]
    assert "MonthsMissing" in firing()


async def test_what_cannot_be_measured_is_absent(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await Measure(database, "relay").turn()
    assert "hexad_outbox_oldest_seconds" in told()

    async def away(*_: object, **__: object) -> None:
        raise asyncpg.PostgresConnectionError

    monkeypatch.setattr(measure._sql, "backlog", away)
    with pytest.raises((Unavailable, asyncpg.PostgresError)):
        await Measure(database, "relay").turn()
    assert not {"hexad_outbox_oldest_seconds", "hexad_outbox_events_due", "hexad_jobs_set_aside"} & told().keys()
    assert "NobodyMeasuresTheOutbox" in firing()


async def test_a_full_disk_under_the_anchor_shows(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    async with database.transaction() as tx:
        await record(tx, Record(action="a", noun="n", noun_id="1"))
    broken = Anchor(tmp_path / "anchor")
    monkeypatch.setattr(broken, "append", full)
    sealer = Sealer(broken)
    async with database.connection() as connection:
        for _ in range(2):
            with pytest.raises(OSError, match="No space"):
                await sealer.seal_once(connection)
    (lag,) = told()["hexad_audit_seal_lag_seconds"]
    assert lag > 0
    whole = Sealer(Anchor(tmp_path / "anchor"))
    async with database.connection() as connection:
        await whole.seal_once(connection)
    assert told()["hexad_audit_seal_lag_seconds"] == [0.0]


def test_every_rule_names_a_metric_that_there_is() -> None:
    known = {metric.name for metric in metrics._registry.collect()}
    for rule in RULES:
        (name,) = re.findall(r"hexad_\w+", rule["expr"])
        assert name in known, rule["alert"]
        assert rule["annotations"]["summary"]
