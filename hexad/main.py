"""The `hexad` command. Everything is imported where it is used, so that `--help` answers at once."""

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kernel.errors import HexadError, Unavailable

if TYPE_CHECKING:
    from kernel.settings import Settings

_FAILED, _INTERRUPTED = 1, 130
_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


class _Commands(click.Group):
    """Lists commands in the order in which a newcomer meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=_Commands, context_settings=_CONTEXT)
@click.version_option(package_name="hexad", message="hexad %(version)s")
def hexad() -> None:
    """The marketing and service platform of a securities brokerage.

    Start with `hexad up`: everything on this machine, in one terminal. Settings are environment variables named
    HEXAD_…; `hexad doctor` lists them and says what is wrong and how to mend it.

    Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
    """


@hexad.command("up")
def _up() -> None:
    """Start everything here, in one terminal."""
    from hexad.up import up

    raise click.exceptions.Exit(up())


@hexad.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of a table.")
def _doctor(as_json: bool) -> None:
    """Check every part, say how to mend it."""
    import msgspec

    from hexad import terminal
    from hexad.doctor import examine, settings_in_force
    from hexad.embedded import located

    given = _settings(embedded=False)
    if as_json:
        report = examine(given, located(given))
        click.echo(msgspec.json.format(msgspec.json.encode(report)))
    else:
        terminal.show_settings(settings_in_force(given))
        report = examine(given, located(given), terminal.show_finding)
    raise click.exceptions.Exit(_FAILED if report.failed else 0)


@hexad.command("migrate")
def _migrate() -> None:
    """Bring the database to the schema of this version."""
    import asyncio

    from hexad.embedded import served
    from kernel.errors import Misconfigured
    from kernel.migrate import migrate

    with served(_settings(embedded=False), click.echo, leave=True) as settings:
        if not settings.owner_url:
            raise Misconfigured("HEXAD_OWNER_URL is needed next to HEXAD_DATABASE_URL: the role that owns the tables")
        done = asyncio.run(migrate(settings.owner_url, settings, click.echo))
    click.echo(f"{done} migrations applied" if done else "the database is up to date")


@hexad.command("token")
@click.option(
    "--audience", required=True, type=click.Choice(["staff", "investor", "gateway"]), help="Which API it is for."
)
@click.option("--subject", required=True, help="Employee number, customer number or gateway.")
@click.option("--role", "roles", multiple=True, help="A role of the session; may be given several times.")
def _token(audience: Any, subject: str, roles: tuple[str, ...]) -> None:
    """Print an access token: the operator's way in. It is audited."""
    import asyncio

    from hexad.signin import issue, life

    settings = _settings()
    click.echo(asyncio.run(issue(settings, audience, subject, list(roles))))
    click.echo(f"lives {life(settings)}", err=True)


@hexad.command("administrator")
@click.argument("employee_no")
@click.option("--name", default="", help="Name of an employee whom no feed has delivered.")
def _administrator(employee_no: str, name: str) -> None:
    """Make the first administrator, or let one back in.

    Prints a code that is good once: with it they set their password and authenticator. Their sessions end.
    """
    import asyncio

    from hexad.administrator import make

    made = asyncio.run(make(_settings(makes_keys=True), employee_no, name))
    click.echo(made.code)
    click.echo(
        f"activation code of administrator {employee_no}{' (new)' if made.new else ''}, good once within"
        f" {made.hours} h: POST /v1/auth/staff/activation",
        err=True,
    )


@hexad.group("serve", cls=_Commands)
def _serve() -> None:
    """Serve one of the two front doors."""


@_serve.command("api")
@click.option("--audience", help="Audiences to serve, comma-separated, instead of HEXAD_AUDIENCES.")
def _serve_api(audience: str | None) -> None:
    """The HTTP API."""
    import os

    from api.run import serve
    from hexad.ports import held

    if audience is not None:
        os.environ["HEXAD_AUDIENCES"] = audience
    settings = _settings()
    with held(settings, "api_port"):
        serve(settings)


@_serve.command("realtime")
def _serve_realtime() -> None:
    """The WebSocket server."""
    from realtime.run import serve

    serve(_settings())


@hexad.command("work")
def _work() -> None:
    """Handle jobs."""
    from workers.run import work

    work(_settings())


@hexad.command("relay")
def _relay() -> None:
    """Move events to the broker, seal the audit log."""
    from workers.run import relay

    relay(_settings())


@hexad.command("beat")
def _beat() -> None:
    """Run what is due by the clock."""
    from workers.run import beat

    beat(_settings())


@hexad.command("health")
@click.argument("processes", nargs=-1, type=click.Choice(["api", "realtime", "worker", "relay", "beat"]))
def _health(processes: tuple[str, ...]) -> None:
    """Say whether the processes of this host live.

    Without a name: something must answer, and whatever answers must be well.
    """
    from hexad.health import check

    check(_settings(), processes)


@hexad.command("ingest")
@click.argument("folder", type=click.Path(path_type=Path))
def _ingest(folder: Path) -> None:
    """Load what source systems delivered.

    FOLDER is a delivery (<YYYY-MM-DD>/<source>), a day with all its sources, or a root with all days. A delivery
    is loaded whole or not at all; a bad one is reported with its first 100 faults, and the exit code is 1 then.
    """
    import asyncio

    from hexad.embedded import served
    from hexad.terminal import progress
    from workers.collection.ingest import ingest

    with (
        served(_settings(embedded=False, makes_keys=True), lambda _: None, leave=True) as settings,
        progress("rows") as tell,
    ):
        good = asyncio.run(ingest(settings, folder, click.echo, tell))
    if not good:
        raise click.exceptions.Exit(_FAILED)


@hexad.command("demo")
@click.option("--customers", default=30_000, type=click.IntRange(1, 10_000_000), help="How many, on the last day.")
@click.option("--days", default=1, type=click.IntRange(1, 250), help="Trading days, the last of them UNTIL.")
@click.option("--seed", default=1, type=click.IntRange(0, 2**32), help="Another seed, another brokerage.")
@click.option("--until", default="2026-11-20", type=click.DateTime(["%Y-%m-%d"]), help="The last day.")
@click.option("--format", "form", type=click.Choice(["csv", "csv.gz", "parquet"]), help="Of every file.")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="The folder to write.")
def _demo(customers: int, days: int, seed: int, until: datetime, form: Any, out: Path) -> None:
    """Write deliveries of a made-up brokerage.

    The same arguments give the same bytes. Without --format what is big is Parquet, the rest CSV.
    """
    from hexad.demo.brokerage import made_up
    from hexad.demo.write import write
    from hexad.terminal import progress

    with progress("customers") as tell:
        for folder in write(made_up(customers, days, seed, until.date()), out, form, tell):
            click.echo(folder)


@hexad.command("demo-people")
def _demo_people() -> None:
    """Make sign-ins for a made-up brokerage.

    Everybody without a role gets the one that their position names; one of each gets a random password and, for staff,
    the key of an authenticator. Only in the embedded database, after `hexad demo` and `hexad ingest`.
    """
    import asyncio

    from hexad.demo.sign_ins import make

    embedded = _settings(embedded=False).embedded
    for one in asyncio.run(make(_settings(), embedded=embedded)):
        click.echo(f"{one.role:24} {one.subject:12} {one.password}  {one.authenticator}".rstrip())


@hexad.group("bench", cls=_Commands)
def _bench() -> None:
    """Measure this machine."""


@_bench.command("http")
@click.option("--customers", default=3_000_000, type=click.IntRange(1000, 10_000_000), help="How many there are.")
@click.option("--connections", default=32, type=click.IntRange(1, 1000), help="Connections of the load.")
@click.option("--seconds", default=5.0, type=click.FloatRange(0.2, 600), help="Length of one load.")
@click.option("--rounds", default=3, type=click.IntRange(1, 100), help="Times that each is measured, in turn.")
@click.option("--no-growth", is_flag=True, help="Leave out the houses of a tenth and a hundredth.")
@click.option("--without-peer", is_flag=True, help="Leave out the peer: its packages come by `uv sync --group bench`.")
@click.option("--var", type=click.Path(file_okay=False, path_type=Path), help="A folder that keeps the database.")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write all figures here.")
def _bench_http(var: Path | None, file: Path | None, **given: Any) -> None:
    """Reads of brokers, beside a floor and a peer.

    The floor is a bare handler on the same server with the same SELECT; the peer is FastAPI, SQLAlchemy and Pydantic
    under uvicorn. Makes a PostgreSQL of its own. Exit code 1 when a figure is not what is asked of it.
    """
    import msgspec

    from bench.http import Parameters, run
    from hexad.terminal import progress

    with progress("customers made") as tell:
        report = run(Parameters(**given), var, lambda line: click.echo(line, err=True), tell)
    for line in report.lines():
        click.echo(line)
    if file is not None:
        file.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    raise click.exceptions.Exit(0 if all(one.reached for one in report.asked) else _FAILED)


@hexad.group("audit", cls=_Commands)
def _audit() -> None:
    """The append-only log of every write."""


@_audit.command("verify")
def _audit_verify() -> None:
    """Check every row, the chain and the anchor file."""
    import asyncio

    from hexad.auditing import verify
    from hexad.terminal import progress

    with progress("rows") as tell:
        report = asyncio.run(verify(_settings(), tell))
    for fault in report.faults:
        click.echo(f"{fault.kind}: {fault.what}")
    click.echo(f"{report.sealed} rows checked, {report.anchored} anchors, {report.waiting} rows wait for the sealer")
    if not report.sound:
        click.echo(f"hexad: the audit log is not as it was sealed, {report.fault_count} faults", err=True)
        raise click.exceptions.Exit(_FAILED)


@hexad.group("simulate", cls=_Commands)
def _simulate() -> None:
    """Gateways that reach nobody."""


@_simulate.command("sms")
@click.option("--delay", default=0.0, type=click.FloatRange(0, 3600), help="Seconds until the last receipt.")
@click.option("--duplicate", default=0.0, type=click.FloatRange(0, 1), help="Share of receipts sent twice.")
@click.option("--refuse", default=0.0, type=click.FloatRange(0, 1), help="Share of messages rejected.")
@click.option("--shuffle", is_flag=True, help="Send receipts in any order.")
def _simulate_sms(delay: float, duplicate: float, refuse: float, shuffle: bool) -> None:
    """An SMS gateway on the outbound queues.

    Numbers that end in 0001 are undelivered, 0002 rejected, 0003 expired; all others are delivered.
    """
    from hexad.simulators import sms
    from hexad.simulators.rules import Manner

    sms.run(_settings(), Manner(delay=delay, duplicate=duplicate, refuse=refuse, shuffle=shuffle))


@_simulate.command("smtp")
def _simulate_smtp() -> None:
    """An SMTP server, and a page to read the mailbox.

    Recipients `unknown@…` do not exist and `full@…` is full for now; all others are taken.
    """
    from hexad.simulators import smtp

    smtp.run(_settings())


@_simulate.command("inbox")
@click.option("--limit", default=20, type=click.IntRange(1, 1000), help="How many.")
def _simulate_inbox(limit: int) -> None:
    """Print what was sent, the newest last."""
    from hexad import keys
    from hexad.simulators.mailbox import Mailbox
    from hexad.terminal import plain

    for letter in reversed(Mailbox(keys.folder()).newest(limit)):
        head = f"{letter.at:%Y-%m-%d %H:%M:%S} UTC  {letter.channel}  {letter.sender} -> {letter.to}  {letter.subject}"
        click.echo(plain(f"{head}\n  {letter.text}"))


def _settings(*, embedded: bool = True, makes_keys: bool = False) -> "Settings":
    """The settings in force; with the embedded database's addresses in them unless those are not wanted.

    `makes_keys`: as `hexad up` does for an embedded database that has none yet.
    """
    import msgspec

    from hexad import keys
    from hexad.embedded import located
    from kernel.settings import current

    if makes_keys and not os.environ.get("HEXAD_DATABASE_URL"):
        keys.make(keys.folder())
    settings = msgspec.structs.replace(current(), var=keys.folder())
    return located(settings) if embedded else settings


def main() -> None:
    """The entry point: expected errors are one sentence, and the exit code tells what happened."""
    try:
        code = hexad(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = _INTERRUPTED
    except HexadError as error:
        click.echo(f"hexad: {error.detail or error.title}{_way_out(error)}", err=True)
        code = _FAILED
    except Exception as error:
        if type(error).__name__ != "UndefinedTableError":
            raise
        click.echo("hexad: the schema is not there yet: run `hexad migrate`", err=True)
        code = _FAILED
    sys.exit(code)


def _way_out(error: HexadError) -> str:
    """What helps when the embedded PostgreSQL does not run."""
    away = isinstance(error, Unavailable) and error.detail.startswith("PostgreSQL does not answer")
    return ": start it with `hexad up`" if away and not os.environ.get("HEXAD_DATABASE_URL") else ""


if __name__ == "__main__":
    main()
