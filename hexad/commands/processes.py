"""What runs, and whether it does."""

import os

import click

from hexad.commands.group import Commands
from hexad.commands.settings import given


@click.command("up")
def up() -> None:
    """Start everything here, in one terminal."""
    from hexad.up import up

    raise click.exceptions.Exit(up())


@click.group("serve", cls=Commands)
def serve() -> None:
    """Serve one of the two front doors."""


@serve.command("api")
@click.option("--audience", help="Audiences to serve, comma-separated, instead of HEXAD_AUDIENCES.")
def serve_api(audience: str | None) -> None:
    """The HTTP API."""
    from api.run import serve
    from hexad.ports import held

    if audience is not None:
        os.environ["HEXAD_AUDIENCES"] = audience
    settings = given()
    with held(settings, "api_port"):
        serve(settings)


@serve.command("realtime")
def serve_realtime() -> None:
    """The WebSocket server."""
    from realtime.run import serve

    serve(given())


@click.command("work")
def work() -> None:
    """Handle jobs."""
    from workers.run import work

    work(given())


@click.command("relay")
def relay() -> None:
    """Move events to the broker, seal the audit log."""
    from workers.run import relay

    relay(given())


@click.command("beat")
def beat() -> None:
    """Run what is due by the clock."""
    from workers.run import beat

    beat(given())


@click.command("mail")
def mail() -> None:
    """Send e-mail from the queues by SMTP."""
    from workers.smtp.run import mail

    mail(given())


@click.command("health")
@click.argument("processes", nargs=-1, type=click.Choice(["api", "realtime", "worker", "relay", "beat", "mailer"]))
def health(processes: tuple[str, ...]) -> None:
    """Say whether the processes of this host live.

    Without a name: something must answer, and whatever answers must be well.
    """
    from hexad.health import check

    check(given(embedded=False), processes)
