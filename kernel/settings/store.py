"""Where everything is kept, and the keys of what is sealed."""

from pathlib import Path
from typing import Annotated

from msgspec import Struct

from kernel.settings.meaning import says


class Store(Struct, frozen=True, kw_only=True):
    """Where everything is kept, and the keys of what is sealed."""

    var: Annotated[Path, says("folder of the embedded database, keys and logs")] = Path("var")
    database_url: Annotated[
        str, says("PostgreSQL of the app role; empty: the embedded one in HEXAD_VAR", secret=True)
    ] = ""
    owner_url: Annotated[
        str, says("PostgreSQL of the owner role, for `hexad migrate` only; empty: embedded", secret=True)
    ] = ""
    broker_url: Annotated[str, says("amqp://… for RabbitMQ; empty: PGMQ in the same database", secret=True)] = ""
    bus_url: Annotated[
        str, says("redis://… of Valkey or Redis for the bus between processes; empty: PostgreSQL", secret=True)
    ] = ""
    queue_prefix: Annotated[
        str,
        says("put before every name on RabbitMQ and Valkey, so that several can share", pattern=r"^[a-z0-9._-]*\Z"),
    ] = ""
    pool_size: Annotated[int, says("database connections per process", ge=1, le=500)] = 10
    pool_wait: Annotated[float, says("longest wait for a connection before 503", gt=0, le=60)] = 3.0
    pool_waiters: Annotated[int, says("requests that may wait for a connection; more get 503 at once", ge=0)] = 200
    statement_timeout: Annotated[float, says("longest single statement of a request", gt=0, le=3600)] = 15.0
    lock_timeout: Annotated[float, says("longest wait for a row lock", gt=0, le=3600)] = 3.0
    migration_lock_timeout: Annotated[float, says("longest wait of a migration for a table", gt=0, le=3600)] = 5.0
    migration_statement_timeout: Annotated[float, says("longest statement of a migration", gt=0, le=86400)] = 600.0
    field_keys: Annotated[
        str, says("AES-256 keys of encrypted fields, `id:base64,…`, the current one first", secret=True)
    ] = ""
    index_key: Annotated[str, says("key of the blind index, base64 of 32 bytes", secret=True)] = ""
