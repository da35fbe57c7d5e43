"""`hexad up`: starts everything, tells how to get in, heals what a killed run left, and leaves nothing behind."""

import os
import re
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.hexad.running import Up, own_environment

pytestmark = pytest.mark.xdist_group("up")


def test_it_says_where_everything_is_and_all_of_it_answers(system: Up) -> None:
    addresses = re.findall(r"(http://\S+/(?:docs/\w+|health/ready)?)\s", system.said)
    assert len(addresses) >= 11
    assert {address: httpx.get(address).status_code for address in addresses} == dict.fromkeys(addresses, 200)


def test_the_sign_ins_that_it_prints_open_the_api(system: Up) -> None:
    shown = re.findall(r"curl -H 'Authorization: (\S+ \S+)' (\S+)", system.said)
    assert [httpx.get(url, headers={"Authorization": token}).status_code for token, url in shown] == [200, 200]


def test_a_second_one_on_the_same_folder_is_refused(system: Up) -> None:
    second = system.run("up")
    assert second.returncode == 1
    assert f"another `hexad up` (process {system.process.pid}) runs on" in second.stderr
    assert httpx.get(system.url("/health/ready")).status_code == 200


def test_a_port_in_use_is_named_with_its_setting_and_its_process(system: Up, start_up: Callable[..., Up]) -> None:
    port = system.environment["HEXAD_API_PORT"]
    up = start_up(HEXAD_API_PORT=port)
    assert up.process.wait(90) == 1
    assert f"port {port} is in use by process" in up.said
    assert "HEXAD_API_PORT" in up.said
    assert up.processes() == []


def test_a_wrong_setting_is_named_before_anything_starts(start_up: Callable[..., Up]) -> None:
    up = start_up(HEXAD_API_PORT="eighty")
    assert up.process.wait(90) == 1
    assert "HEXAD_API_PORT" in up.said
    assert "'eighty'" in up.said
    assert "Traceback" not in up.said


@pytest.mark.parametrize("name", ["HEXAD_DATABASE_URL", "HEXAD_OWNER_URL", "HEXAD_BROKER_URL"])
def test_it_starts_nothing_where_a_database_or_broker_of_others_is_named(
    start_up: Callable[..., Up], folder: Path, name: str
) -> None:
    up = start_up(**{name: "postgresql://hexad@db.firm.test/hexad"})
    assert up.process.wait(90) == 1
    assert f"others are named by {name}: unset that" in up.said
    assert not (folder / "var").exists()


def test_simulators_can_be_left_out(start_up: Callable[..., Up]) -> None:
    up = start_up(HEXAD_SIMULATORS="smtp,advisory")
    up.wait_ready()
    assert up.processes("simulate smtp")
    assert not up.processes("simulate sms")


def test_a_folder_that_cannot_be_written_is_named(start_up: Callable[..., Up], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    up = start_up(HEXAD_VAR=str(tmp_path / "file" / "var"))
    assert up.process.wait(90) == 1
    assert f"HEXAD_VAR is {tmp_path / 'file' / 'var'}, which cannot be written" in up.said


def test_what_killed_runs_left_is_ended_and_the_data_is_still_there(start_up: Callable[..., Up]) -> None:
    first = start_up()
    first.wait_ready()
    first.process.kill()
    first.process.wait()
    assert first.processes("serve api"), "its processes should have outlived it"

    second = start_up()
    second.wait_ready()
    assert re.search(r"the last run was killed: ended \d+ processes", second.said)
    assert "PostgreSQL runs already and is taken over" in second.said
    second.kill_everything()

    third = start_up()
    third.wait_ready()
    assert sessions(third) == 2 * 3, "two sign-ins of each run"
    third.processes("relay")[0].kill()
    assert third.process.wait(60) == 1
    assert "relay was ended by SIGKILL, so the others were stopped" in third.said
    assert third.processes() == []


def sessions(up: Up) -> int:
    """How many tokens were issued in all runs, by the audit log."""
    up.wait(lambda: " 0 rows wait" in up.run("audit", "verify").stdout, 90)
    return int(up.run("audit", "verify").stdout.split()[0])


@pytest.mark.parametrize("moment", ["made", "PostgreSQL started", "api started"])
def test_ctrl_c_at_any_moment_leaves_nothing(start_up: Callable[..., Up], moment: str) -> None:
    up = start_up()
    up.wait(lambda: moment in up.said, 90)
    assert up.stop(signal.SIGINT) == 130
    up.wait(lambda: up.processes() == [], 60)


def test_a_stranger_on_a_port_is_left_alone(start_up: Callable[..., Up]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        up = start_up(HEXAD_RELAY_PORT=str(port))
        assert up.process.wait(90) == 1
        assert f"port {port} is in use" in up.said
        socket.create_connection(("127.0.0.1", port)).close()


def test_it_runs_from_a_folder_that_would_break_a_path(folder: Path) -> None:
    (folder / "a:b c").symlink_to(sys.prefix)
    command = (folder / "a:b c" / "bin" / "python", "-P", "-m", "hexad.main", "up")
    up = Up(own_environment(folder / "v:ar"), folder / "output", command, cwd=folder)
    try:
        up.wait_ready()
        assert str(folder / "a:b c") in up.processes("serve api")[0].cmdline()[0]
        assert up.stop(signal.SIGINT) == 130
    finally:
        up.kill_everything()


def test_it_starts_postgresql_again_and_notices_when_the_api_is_killed(
    start_up: Callable[..., Up], folder: Path
) -> None:
    up = start_up(HEXAD_VAR=str(folder / "a b&c=1%20#z?'q+@"))
    up.wait_ready()
    data = folder / "a b&c=1%20#z?'q+@" / "postgres" / "data"
    os.kill(int((data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    up.wait(lambda: "PostgreSQL runs again" in up.said, 90)
    up.wait(lambda: httpx.get(up.url("/health/ready")).status_code == 200, 90)

    processes = up.processes("serve api")
    assert len(processes) > 1
    next(process for process in processes if process.parent() not in processes).kill()
    up.wait(lambda: up.processes("serve api") == [], 60)
    assert up.process.wait(60) == 1
    assert "api was ended by SIGKILL, so the others were stopped" in up.said
    assert up.processes() == []
