"""A process with other keys than the database's is refused, and a database put back has another epoch."""

import base64
from types import SimpleNamespace
from typing import Any

import asyncpg
import msgspec
import pytest

from hexad.embedded import Postgres
from kernel.errors import Misconfigured
from kernel.schema import migrate
from kernel.settings import Settings
from kernel.store import lineage
from kernel.store.database import Database, check_keys
from kernel.store.lineage import Lineage, check_version

OTHER = base64.b64encode(b"o" * 32).decode()


async def epoch(settings: Settings) -> str:
    """As a process that starts now sees it."""
    database = await Database.open(settings.database_url, settings, size=1)
    await database.close()
    return database.lineage.epoch


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"index_key": OTHER}, "HEXAD_INDEX_KEY is not the one"),
        ({"field_keys": f"k1:{OTHER}"}, "HEXAD_FIELD_KEYS: its key k1 is not the one"),
        ({"field_keys": f"k9:{OTHER}"}, r"HEXAD_FIELD_KEYS has none of the keys .* \(k1\)"),
    ],
)
async def test_other_keys_are_refused(own_settings: Settings, changed: dict[str, str], says: str) -> None:
    await check_keys(own_settings)
    with pytest.raises(Misconfigured, match=says):
        await check_keys(msgspec.structs.replace(own_settings, **changed))
    await check_keys(own_settings)


async def test_keys_are_rotated_and_left_out_where_they_are_not_needed(own_settings: Settings) -> None:
    old = own_settings.field_keys
    await check_keys(own_settings)
    await check_keys(msgspec.structs.replace(own_settings, field_keys="", index_key=""))
    await check_keys(msgspec.structs.replace(own_settings, field_keys=f"k2:{OTHER},{old}"))
    await check_keys(msgspec.structs.replace(own_settings, field_keys=f"k2:{OTHER}"))
    with pytest.raises(Misconfigured, match="k2 is not the one"):
        await check_keys(msgspec.structs.replace(own_settings, field_keys=f"{old},k2:{own_settings.index_key}"))


async def test_of_two_that_are_first_at_once_one_is_refused(
    own_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, other = lineage.known, msgspec.structs.replace(own_settings, index_key=OTHER)
    looked: list[int] = []

    async def overtaken(connection: Any) -> Any:
        found = await known(connection)
        if not looked:
            looked.append(1)
            await check_keys(other)
        return found

    monkeypatch.setattr(lineage, "known", overtaken)
    with pytest.raises(Misconfigured, match="HEXAD_INDEX_KEY"):
        await check_keys(own_settings)


async def test_a_pool_that_was_opened_while_postgresql_was_away_refuses_too(own_settings: Settings) -> None:
    await check_keys(own_settings)
    wrong = msgspec.structs.replace(own_settings, index_key=OTHER)
    database = await Database.open(wrong.database_url, wrong, minimum=0)
    for _ in range(2):
        with pytest.raises(Misconfigured, match="HEXAD_INDEX_KEY"):
            await database.acquire()
    await database.close()


async def test_nobody_learns_a_key_from_its_mark_nor_changes_one(own_settings: Settings) -> None:
    await check_keys(own_settings)
    connection = await asyncpg.connect(own_settings.database_url)
    rows = await connection.fetch("select kind, name, mark from key_mark order by kind")
    assert [(row["kind"], row["name"], len(row["mark"])) for row in rows] == [("field", "k1", 16), ("index", "", 16)]
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("update key_mark set mark = ''")
    await connection.close()


async def test_before_the_schema_is_there_nothing_is_compared(own_settings: Settings) -> None:
    owner = await asyncpg.connect(own_settings.owner_url)
    await owner.execute("drop table key_mark, restoration")
    await owner.close()
    await check_keys(own_settings)
    assert await epoch(own_settings) == ""


async def test_the_epoch_stays_until_the_database_is_put_back(own_settings: Settings) -> None:
    first = await epoch(own_settings)
    assert len(first) == 8
    assert await epoch(own_settings) == first
    await lineage.restored(own_settings.owner_url, "the disk was lost")
    assert await epoch(own_settings) != first


async def test_the_instance_stays_over_a_restore_and_says_nothing_of_the_server(
    own_settings: Settings, postgres: Postgres
) -> None:
    first = await lineage.instance(own_settings.database_url)
    await lineage.restored(own_settings.owner_url, "the disk was lost")
    assert await lineage.instance(own_settings.database_url) == first
    assert len(first) == 16
    assert postgres.psql("-c", "select system_identifier from pg_control_system()") not in first
    assert await lineage.instance("postgresql://nobody@127.0.0.1:1/none") == ""


async def test_a_dump_loaded_elsewhere_has_another_epoch(own_settings: Settings, postgres: Postgres) -> None:
    first = await epoch(own_settings)
    name = own_settings.database_url.split("?")[0].rsplit("/")[-1]
    postgres.psql("-c", f"create database {name}_again template {name}")
    try:
        again = msgspec.structs.replace(own_settings, database_url=postgres.url("hexad_app", f"{name}_again"))
        assert await epoch(again) not in ("", first)
    finally:
        postgres.psql("-c", f"drop database {name}_again with (force)")


async def test_a_recovery_has_another_epoch(own_cluster: Postgres, settings: Settings) -> None:
    mine = msgspec.structs.replace(settings, database_url=own_cluster.url("hexad_app"))
    first = await epoch(mine)
    own_cluster.stop()
    (own_cluster.data / "recovery.signal").touch()
    with (own_cluster.data / "postgresql.auto.conf").open("a") as config:
        config.write("restore_command = 'false'\nrecovery_target_timeline = 'current'\n")
    own_cluster.start()
    assert await epoch(mine) not in ("", first)


@pytest.mark.parametrize("version", [(15, 9), (16, 3), (17, 1)])
async def test_an_old_server_is_refused_in_one_sentence(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, version: tuple[int, int]
) -> None:
    old = SimpleNamespace(major=version[0], micro=version[1])
    with pytest.raises(Misconfigured, match=rf"PostgreSQL {version[0]}\.{version[1]}, and Hexad needs 18"):
        check_version(SimpleNamespace(get_server_version=lambda: old))
    monkeypatch.setattr(asyncpg.Connection, "get_server_version", lambda _: old)
    with pytest.raises(Misconfigured, match="Hexad needs 18"):
        await migrate.migrate(settings.owner_url, settings)
    with pytest.raises(Misconfigured, match="Hexad needs 18"):
        await Database.open(settings.database_url, settings)


def test_marks_of_no_keys_are_none(settings: Settings) -> None:
    assert lineage.marks(msgspec.structs.replace(settings, field_keys="", index_key="")) == {}
    assert Lineage(settings).epoch == ""
