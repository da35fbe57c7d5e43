"""The fan-out is measured whole on a small house: every message has its receipt."""

import msgspec
import pytest

from bench.fanout import Fanout, Parameters, Report, judged, run


@pytest.mark.timeout(180)
def test_it_measures_a_broadcast_and_a_floor() -> None:
    said: list[str] = []
    given = Parameters(200, 200, 100, "", without_peer=True)
    report = run(given, None, said.append, lambda done, total: None)
    again = msgspec.json.decode(msgspec.json.encode(report), type=Report)
    assert [(one.what, one.broker, one.messages) for one in again.runs] == [
        ("ours", "PGMQ", 200), ("floor", "PGMQ", 200),
    ]  # fmt: skip
    assert again.runs[0].states == {"delivered": 200}
    assert again.rates["floor PGMQ"] > again.rates["ours PGMQ"] > 0
    assert len(said) == 2
    assert next(one for one in again.asked if one.what.startswith("share")).reached


def test_what_is_asked_stands_beside_what_was_measured() -> None:
    runs = [
        Fanout("ours", "RabbitMQ", 1000, 0.4, {"delivered": 1000}), Fanout("floor", "RabbitMQ", 1000, 0.1, {}),
        Fanout("peer", "RabbitMQ", 1000, 4.0, {"delivered": 999}),
        Fanout("ours", "PGMQ", 1000, 2.0, {"delivered": 1000}),
    ]  # fmt: skip
    asked = {one.what: (one.figure, one.reached) for one in judged(runs)}
    assert asked == {
        "RabbitMQ: messages a second": (2500.0, True), "PGMQ: messages a second": (500.0, False),
        "RabbitMQ: ours / floor": (0.25, True), "RabbitMQ: ours / peer": (10.0, True),
        "share of messages with their receipt": (0.999, False),
    }  # fmt: skip
