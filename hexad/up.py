"""`hexad up`: everything on this machine in one terminal, healed before it starts, stopped cleanly when it ends."""

import asyncio
import os
import signal
import threading
import time
from pathlib import Path
from typing import NoReturn

import click
import msgspec

from hexad import keys, leftovers, ports
from hexad.embedded import Postgres, served
from hexad.healing import Healer
from hexad.health import problem, started
from hexad.supervisor import Supervisor, procfile
from hexad.welcome import welcome
from kernel import settings as setting
from kernel.errors import HexadError, Misconfigured
from kernel.schema.migrate import migrate
from kernel.settings import Settings
from kernel.settings.origins import LOCAL
from kernel.store.database import check_keys
from workers.roster import enrol

_PATIENCE = 30.0
_OTHERS = ("HEXAD_DATABASE_URL", "HEXAD_OWNER_URL", "HEXAD_BROKER_URL")


def up() -> int:
    """Runs until Ctrl-C (130), SIGTERM (0) or until a process dies (1); gives that exit code."""
    began = time.monotonic()
    _check_alone()
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    var = keys.folder()
    if keys.make(var):
        click.echo(f"made {keys.file(var)}: random keys, for this folder only")
    given = setting.current()
    settings = msgspec.structs.replace(given, var=var, origins=",".join(filter(None, (given.origins, LOCAL))))
    with leftovers.alone(var):
        _end_leftovers(var, settings)
        ports.check_free(settings)
        with served(settings, click.echo) as located:
            return _run(located, began, Healer(Postgres(var / "postgres"), click.echo, _give_up))


def _check_alone() -> None:
    """Raises `Misconfigured` where a database or broker is named: simulators and an administrator's token for all."""
    if others := [name for name in _OTHERS if os.environ.get(name, "").strip()]:
        raise Misconfigured(
            "`hexad up` is for one machine with its own database and queues, and others are named by"
            f" {', '.join(others)}: unset that, or start the processes by themselves, such as `hexad serve api`"
        )


def _end_leftovers(var: Path, settings: Settings) -> None:
    left = leftovers.last_run(var)
    if left and (ended := left.end(settings.drain)):
        click.echo(f"the last run was killed: ended {ended} processes that it left")
    leftovers.forget(var)


def _give_up() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def _run(settings: Settings, began: float, healer: Healer) -> int:
    asyncio.run(migrate(settings.owner_url, settings, click.echo))
    asyncio.run(check_keys(settings))
    asyncio.run(enrol(settings.owner_url))
    run = leftovers.Run()
    run.write(settings.var)
    watch = threading.Thread(target=_announce, args=(settings, began), daemon=True)

    def begun() -> None:
        run.note_children(settings.var)
        watch.start()
        healer.start()

    marked = {leftovers.MARK: run.mark, "PYTHONUNBUFFERED": "1"}
    environment = {**os.environ, **setting.environment(settings), **marked}
    commands = {name: command for name, command in procfile().items() if name in started(settings)}
    supervisor = Supervisor(commands, environment, settings.drain, begun)
    try:
        supervisor.loop()
    finally:
        healer.stop()
        run.end(settings.drain)
        leftovers.forget(settings.var)
    if died := healer.failed or supervisor.died():
        click.echo(f"hexad: {died}", err=True)
        return 1
    return 130 if supervisor.returncode == 130 else 0


def _announce(settings: Settings, began: float) -> None:
    """Waits until every process is ready, saying now and then which is not, then tells what there is."""
    health, told = started(settings), began
    missing = dict.fromkeys(health, "")
    while missing := {name: why for name in missing if (why := problem(ports.address(settings, health[name])))}:
        if time.monotonic() - told > _PATIENCE:
            told = time.monotonic()
            click.echo("still waiting: " + "; ".join(f"{name} is {why}" for name, why in missing.items()), err=True)
        time.sleep(0.1)
    try:
        click.echo(welcome(settings, health, time.monotonic() - began))
    except HexadError as error:
        click.echo(f"hexad: no sign-in could be made: {error.detail or error.title}", err=True)


def _stop(*_: object) -> NoReturn:
    raise SystemExit(0)
