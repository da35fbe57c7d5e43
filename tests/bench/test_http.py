"""A run in small, with real processes: every load is answered, and the report has what is asked."""

from importlib.util import find_spec
from pathlib import Path

import msgspec
import pytest

from bench.brokerage import Broker, Customer
from bench.figures import Report
from bench.http import Parameters, Signed, requests, run
from kernel.errors import Misconfigured

PEER = find_spec("fastapi") is not None and find_spec("sqlalchemy") is not None


def test_a_run_gives_every_figure_and_nothing_fails(tmp_path_factory: pytest.TempPathFactory) -> None:
    given = Parameters(2000, 4, 0.2, 1, no_growth=True, without_peer=not PEER)
    said: list[str] = []
    report = run(given, tmp_path_factory.mktemp("house"), said.append, lambda done, total: None)
    again = msgspec.json.decode(msgspec.json.encode(report), type=Report)
    loads = {(one.what, one.server) for one in again.figures}
    assert {("detail", "ours"), ("detail", "floor"), ("list", "ours"), ("list", "floor"), ("mixed", "ours")} <= loads
    assert {what for what, _ in loads} >= {"me", "home", "search_number", "search_mobile", "search_name", "list_brotli"}
    assert (("list", "peer") in loads) == PEER
    assert all(one.failures == 0 and one.requests_per_second > 0 for one in again.figures)
    assert {one.what for one in again.asked} >= {"detail: ours / floor", "list: ours / floor", "requests that failed"}
    assert (again.machine.cores, again.parameters["customers"]) >= (1, 2000)
    assert len(said) == len(again.figures)


def test_growth_compares_houses(tmp_path_factory: pytest.TempPathFactory) -> None:
    given = Parameters(10_000, 2, 0.2, 1, without_peer=True)
    report = run(given, tmp_path_factory.mktemp("houses"), lambda line: None, lambda done, total: None)
    assert {one.what for one in report.figures} >= {f"list of {size}" for size in (100, 1000, 10_000)}
    assert {one.what for one in report.asked} >= {"detail: fastest size / slowest size"}
    assert all(one.failures == 0 for one in report.figures)


def test_without_the_peers_packages_one_is_told_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("bench.servers.find_spec", lambda name: None)
    with pytest.raises(Misconfigured, match="--group bench"):
        run(Parameters(1000, 1, 0.2, 1), tmp_path, lambda line: None, lambda done, total: None)
    assert list(tmp_path.iterdir()) == []


def test_everybody_asks_for_customers_of_their_own() -> None:
    people = [
        Signed(Broker(n, f"E{n}", [Customer(n, f"8{n}", "王小明", "13800138000")]), f"ours{n}", f"peer{n}")
        for n in (1, 2)
    ]  # fmt: skip
    assert {(one.path, one.token) for one in requests("detail", "ours", people)} == {
        ("/v1/staff/customers/81", "ours1"), ("/v1/staff/customers/82", "ours2"),
    }  # fmt: skip
    assert {one.path for one in requests("detail", "floor", people)} == {
        "/customers/81?employee=1", "/customers/82?employee=2",
    }  # fmt: skip
    assert [one.token for one in requests("list", "peer", people)] == ["peer1", "peer2"]
    assert requests("list_brotli", "ours", people)[0].accept_encoding == "br"
    assert {one.path for one in requests("search_name", "ours", people)} == {"/v1/staff/customers?q=%E7%8E%8B%E5%B0%8F"}
    assert {one.path for one in requests("me", "ours", people)} == {"/v1/staff/me"}
