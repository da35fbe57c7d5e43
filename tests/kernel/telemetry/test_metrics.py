"""What is counted can be read, alone or summed over children, dead ones included."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from kernel.errors import Misconfigured
from kernel.settings import Settings
from kernel.telemetry import metrics
from tests.conftest import child_environment

START = """
import os, signal, sys
from kernel import settings
from kernel.telemetry import metrics
s = settings.current()
def value(name, **labels):
    from prometheus_client.parser import text_string_to_metric_families as parse
    for family in parse(metrics.render()[0].decode()):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return sample.value
"""


def run(program: str, settings: Settings) -> str:
    """What a fresh process prints."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", START + program], env=child_environment(settings),
                          capture_output=True, text=True, timeout=60, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def own(settings: Settings, tmp_path: Path) -> Settings:
    """Settings with a folder of the test's own."""
    return msgspec.structs.replace(settings, var=tmp_path)


def test_one_process_counts_for_itself(own: Settings) -> None:
    text = run(
        "metrics.start('relay')\nmetrics.RELAYED.labels('Probed').inc(3)\nmetrics.OUTBOX_AGE.labels('relay').set(1.5)\n"
        "body, kind = metrics.render()\nassert kind.startswith('text/plain; version=')\nprint(body.decode())",
        own,
    )
    found: dict[str, Any] = {
        s.name: (s.labels, s.value) for f in text_string_to_metric_families(text) for s in f.samples
    }
    assert found["hexad_relayed_events_total"] == ({"kind": "Probed"}, 3)
    assert found["hexad_outbox_oldest_seconds"] == ({"by": "relay"}, 1.5)
    assert found["hexad_build_info"][0]["process"] == "relay"
    assert "process_resident_memory_bytes" in found


def test_no_metric_takes_the_name_of_another() -> None:
    names = re.findall(r"^([A-Z_]+) = _", Path(metrics.__file__).read_text(), re.MULTILINE)
    assert len(names) > 20
    assert [name for name in names if names.count(name) > 1] == []


def test_every_metric_says_its_unit_or_that_it_is_a_count(own: Settings) -> None:
    names = run("print(*(f.name for f in metrics._registry.collect()))", own).split()
    assert len(names) > 15
    for name in names:
        unit = name.removesuffix("_total").rsplit("_", 1)[-1]
        assert name.startswith("hexad_"), name
        assert unit in {"seconds", "info", "flight", "free", "waiting", "due", "requests", "events", "jobs", "aside",
                        "reaped", "runs", "connections", "bodies", "deferred", "failures", "failing",
                        "frames", "closes", "rows", "messages", "missing", "emails", "uncertain", "receipts",
                        "replies"}, name  # fmt: skip


CHILDREN = """
metrics.share('worker', s)
metrics.start('worker')
def child(stay):
    ready, wait = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        metrics.JOBS.labels('h', 'done').inc(5)
        metrics.SEALED.inc(2)
        metrics.JOB_SECONDS.labels('h').observe(0.01)
        metrics.HTTP_IN_FLIGHT.inc(1)
        os.write(ready[1], b'x')
        os.read(wait[0], 1)
        os._exit(0)
    os.read(ready[0], 1)
    return pid
one, two = child(True), child(True)
def seen():
    return (value('hexad_jobs_total'), value('hexad_audit_sealed_rows_total'), value('hexad_job_seconds_count'),
            value('hexad_http_requests_in_flight'))
"""


def test_children_are_summed_and_what_the_dead_counted_is_kept(own: Settings) -> None:
    printed = run(
        CHILDREN + "print(*seen())\nos.kill(one, signal.SIGKILL)\nos.waitpid(one, 0)\nprint(*seen())\nprint(*seen())\n"
        "print(*sorted(os.listdir(os.environ['PROMETHEUS_MULTIPROC_DIR'])))\n"
        "print(any(str(one) in f for f in os.listdir(os.environ['PROMETHEUS_MULTIPROC_DIR'])))\nos.kill(two, 9)",
        own,
    ).splitlines()
    assert printed[0] == "10.0 4.0 2.0 2.0"
    assert printed[1] == printed[2] == "10.0 4.0 2.0 1.0"
    assert printed[4] == "False"


def test_what_an_earlier_run_left_is_gone_at_the_start(own: Settings) -> None:
    left = own.var / "run" / "metrics" / f"worker-{own.worker_port}" / "counter_1.db"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"junk")
    assert run("metrics.share('worker', s)\nprint(value('hexad_audit_sealed_rows_total'))", own) == "0.0"
    assert not left.exists()


def test_a_folder_that_cannot_be_had_is_said_in_one_sentence(own: Settings) -> None:
    (own.var / "file").touch()
    with pytest.raises(Misconfigured, match=r"HEXAD_VAR is .*file, which cannot be written"):
        metrics.share("worker", msgspec.structs.replace(own, var=own.var / "file"))


def test_a_second_worker_of_this_host_leaves_the_figures_of_the_first_alone(own: Settings) -> None:
    program = (
        "metrics.share('worker', s)\nmetrics.SEALED.inc(3)\n"
        "import subprocess\nother = {**os.environ, 'HEXAD_WORKER_PORT': '9'}\n"
        "child = 'from kernel import settings; from kernel.telemetry import metrics;'\n"
        "child += 'metrics.share(\"worker\", settings.current())'\n"
        "subprocess.run([sys.executable, '-c', child], check=True, env=other)\n"
        "print(value('hexad_audit_sealed_rows_total'))"
    )
    assert run(program, own) == "3.0"


def test_a_spawned_child_counts_with_its_parent(own: Settings) -> None:
    program = (
        "import subprocess\nmetrics.share('api', s)\n"
        'child = \'from kernel.telemetry import metrics; metrics.HTTP_REQUESTS.labels("GET", "/", "200").inc()\'\n'
        "subprocess.run([sys.executable, '-c', child], check=True)\nprint(value('hexad_http_requests_total'))"
    )
    assert run(program, own) == "1.0"
    assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ
