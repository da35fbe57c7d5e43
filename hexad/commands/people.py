"""The operator's way in, for themselves and for the first administrator."""

from typing import Any

import click

from hexad.commands.settings import given


@click.command("token")
@click.option(
    "--audience", required=True, type=click.Choice(["staff", "investor", "gateway"]), help="Which API it is for."
)
@click.option("--subject", required=True, help="Employee number, customer number or gateway.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    help="A role of the session, `investor` for an investor's own API; may be given several times.",
)
def token(audience: Any, subject: str, roles: tuple[str, ...]) -> None:
    """Print an access token: the operator's way in. It is audited."""
    import asyncio

    from hexad.signin import issue, life

    settings = given()
    click.echo(asyncio.run(issue(settings, audience, subject, list(roles))))
    click.echo(f"lives {life(settings)}", err=True)


@click.command("administrator")
@click.argument("employee_no")
@click.option("--name", default="", help="Name of an employee whom no feed has delivered.")
def administrator(employee_no: str, name: str) -> None:
    """Make the first administrator, or let one back in.

    Prints a code that is good once: with it they set their password and authenticator. Their sessions end.
    """
    import asyncio

    from hexad.administrator import make

    made = asyncio.run(make(given(makes_keys=True), employee_no, name))
    click.echo(made.code)
    click.echo(
        f"activation code of administrator {employee_no}{' (new)' if made.new else ''}, good once within"
        f" {made.hours} h: POST /v1/auth/staff/activation",
        err=True,
    )
