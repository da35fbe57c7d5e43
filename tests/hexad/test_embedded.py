"""The embedded PostgreSQL: made whole or not at all, healed after a kill, never two on one folder."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import asyncpg
import psycopg
import pytest

from hexad import embedded
from hexad.embedded import Postgres
from kernel.errors import Misconfigured, Unavailable
from kernel.settings import Settings, parse


@pytest.fixture
def server(folder: Path) -> Iterator[Postgres]:
    """A cluster that is not made yet."""
    server = Postgres(folder / "postgres")
    yield server
    server.stop("immediate")


def kill(server: Postgres) -> None:
    """SIGKILL for the postmaster alone; returns when it is gone."""
    os.kill(int((server.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    until = time.monotonic() + 60
    while server.running():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_after_a_kill_it_starts_again_with_what_was_committed(server: Postgres) -> None:
    server.start()
    server.psql("-c", "create table kept (n int)", "-c", "insert into kept values (7)")
    kill(server)
    server.start()
    assert server.psql("-c", "select n from kept") == "7"


def test_one_that_runs_is_taken_over(server: Postgres) -> None:
    server.start()
    first = (server.data / "postmaster.pid").read_text().split()[0]
    Postgres(server.folder).start()
    assert (server.data / "postmaster.pid").read_text().split()[0] == first


def test_a_pid_file_with_the_number_of_another_process_does_not_stop_it(server: Postgres) -> None:
    server.start()
    server.stop()
    (server.data / "postmaster.pid").write_text(f"{os.getpid()}\n{server.data}\n")
    assert not server.running()
    server.start()
    assert server.running()


def test_a_cluster_that_was_cut_short_while_it_was_made_is_made_anew(server: Postgres) -> None:
    (server.folder / "data.new").mkdir(parents=True)
    (server.folder / "data.new" / "PG_VERSION").write_text("18\n")
    server.start()
    assert server.psql("-c", "select 1") == "1"
    assert not (server.folder / "data.new").exists()


def test_data_of_another_version_are_left_alone(server: Postgres) -> None:
    server.data.mkdir(parents=True)
    (server.data / "PG_VERSION").write_text("16\n")
    with pytest.raises(Unavailable, match="made by PostgreSQL 16"):
        server.start()
    assert (server.data / "PG_VERSION").read_text() == "16\n"


def test_why_it_does_not_start_is_said(server: Postgres) -> None:
    server.start()
    server.stop()
    with (server.data / "postgresql.auto.conf").open("a") as config:
        config.write("shared_preload_libraries = 'no_such_library'\n")
    with pytest.raises(Unavailable, match="no_such_library"):
        server.start()


def test_a_full_disk_is_said_before_anything_is_written(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage(NamedTuple):
        total: int
        used: int
        free: int

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1 << 30, 1 << 30, 1 << 20))
    with pytest.raises(Unavailable, match=r"has 1 MiB left, PostgreSQL needs 300.*HEXAD_VAR"):
        server.start()
    assert not server.data.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk; the test above needs none")
def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", small], check=False)
    if mounted.returncode:
        pytest.skip("this machine does not let root mount")
    try:
        with pytest.raises(Unavailable, match="64 MiB left"):
            Postgres(small / "postgres").start()
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_long_path_gets_a_short_socket_that_nobody_else_can_have_prepared(tmp_path: Path) -> None:
    server = Postgres(tmp_path / ("long" * 30))
    assert len(str(server.socket / ".s.PGSQL.5432")) < 104
    server.socket.symlink_to(tmp_path)
    (tmp_path / ".s.PGSQL.5432.lock").write_text("of another server")
    try:
        with pytest.raises(Unavailable, match="belongs to somebody else"):
            server.start()
    finally:
        server.socket.unlink()
    assert (tmp_path / ".s.PGSQL.5432.lock").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a folder away")
def test_a_socket_folder_of_a_user_without_a_name_is_somebody_elses(server: Postgres) -> None:
    server.socket.mkdir(parents=True)
    os.chown(server.socket, 54321, 54321)
    with pytest.raises(Unavailable, match="belongs to somebody else"):
        server.start()


def test_a_program_that_does_not_end_is_said(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_COMMAND_SECONDS", 0.02)
    with pytest.raises(Unavailable, match=r"PostgreSQL's initdb did not end within 0\.02 s"):
        server.start()


@pytest.mark.parametrize(
    "name", ["a b&c=1%20#z?'q+@", "数据 库", 'x"y`touch gone`$(touch gone)\\n;', "one,two"], ids=range(4)
)
async def test_any_name_of_a_folder_will_do_and_none_reaches_a_shell(folder: Path, name: str) -> None:
    server = Postgres(folder / name / "postgres")
    try:
        server.start()
        server.prepare()
        connection = await asyncpg.connect(server.url("hexad_app"))
        assert await connection.fetchval("select 1") == 1
        await connection.close()
        with psycopg.connect(server.url("hexad_app")) as other:
            assert other.execute("select 1").fetchone() == (1,)
        assert [path.name for path in folder.iterdir()] == [name]
        assert "gone" not in {path.name for path in server.data.iterdir()}
    finally:
        server.stop("immediate")
        shutil.rmtree(server.socket, ignore_errors=True)


def test_the_length_of_a_socket_is_counted_in_bytes(folder: Path) -> None:
    path = os.fsencode(Postgres(folder / ("库" * 30)).socket / ".s.PGSQL.5432")
    assert len(path) < 104


def test_an_installation_whose_path_postgresql_would_give_to_a_shell_is_refused(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    class Wheel:
        def locate_file(self, name: str) -> str:
            return f"/opt/$(reboot)/{name}"

    embedded._binaries.cache_clear()
    monkeypatch.setattr(metadata, "distribution", lambda _: Wheel())
    with pytest.raises(Misconfigured, match="install it elsewhere"):
        Postgres(folder / "postgres").start()


def test_settings_that_name_a_database_are_left_as_they_are(base_settings: Settings) -> None:
    assert embedded.located(base_settings) is base_settings


def test_the_embedded_one_is_found_started_and_stopped(folder: Path) -> None:
    said: list[str] = []
    with embedded.served(parse({"HEXAD_VAR": str(folder)}), said.append) as settings:
        assert settings.database_url.startswith("postgresql://hexad_app@/hexad?host=")
        with embedded.served(parse({"HEXAD_VAR": str(folder)}), said.append, leave=True):
            pass
        assert Postgres(folder / "postgres").running(), "whoever found it running leaves it running"
    assert not Postgres(folder / "postgres").running()
    assert said == ["PostgreSQL started", "PostgreSQL runs already and is taken over", "stopping PostgreSQL"]


def test_one_that_hexad_up_took_over_meanwhile_is_left_running(folder: Path) -> None:
    hold = "import sys, pathlib, hexad.leftovers as l\nwith l.alone(pathlib.Path(sys.argv[1])): print(); input()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as up:
        assert up.stdout
        up.stdout.readline()
        with embedded.served(parse({"HEXAD_VAR": str(folder)}), lambda line: None, leave=True):
            pass
        assert Postgres(folder / "postgres").running()
        up.communicate("\n")
    Postgres(folder / "postgres").stop("immediate")


def test_an_installation_without_the_wheel_says_what_to_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def missing(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    embedded._binaries.cache_clear()
    monkeypatch.setattr(metadata, "distribution", missing)
    with pytest.raises(Misconfigured, match="HEXAD_DATABASE_URL"):
        Postgres(tmp_path).start()
