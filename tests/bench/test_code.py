"""Codes are measured on a small house beside everything that could keep them: all of them come."""

import msgspec
import pytest

from bench.code import Parameters, Report, Waited, judged, run


@pytest.mark.timeout(300)
def test_it_measures_codes_beside_what_hangs() -> None:
    said: list[str] = []
    report = run(Parameters(20, 0.05, 200, 20, ""), None, said.append, lambda done, total: None)
    again = msgspec.json.decode(msgspec.json.encode(report), type=Report)
    (one,) = again.runs
    assert (one.broker, one.codes) == ("PGMQ", 20)
    assert 0 < one.p50_ms <= one.p99_ms <= one.longest_ms
    assert one.hung_calls > 0
    assert one.refused_mails > 0
    assert len(said) == 1


def test_two_seconds_are_asked() -> None:
    runs = [Waited("RabbitMQ", 9, 1.0, 2000.0, 9000.0, 1, 1, 1), Waited("PGMQ", 9, 1.0, 2000.1, 2000.1, 0, 1, 1)]
    assert [one.reached for one in judged(runs)] == [True, False, True, False]
