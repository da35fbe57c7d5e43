"""Gateways that reach nobody, and an advisory platform that sells nothing."""

import click

from hexad.commands.group import Commands
from hexad.commands.settings import given


@click.group("simulate", cls=Commands)
def simulate() -> None:
    """Gateways and an advisory platform that reach nobody."""


@simulate.command("sms")
@click.option("--delay", type=click.FloatRange(0, 3600), help="Seconds until the last receipt.")
@click.option("--duplicate", type=click.FloatRange(0, 1), help="Share of receipts sent twice.")
@click.option("--refuse", type=click.FloatRange(0, 1), help="Share of messages rejected.")
@click.option("--shuffle", is_flag=True, default=None, help="Send receipts in any order.")
def simulate_sms(**options: float | bool | None) -> None:
    """An SMS gateway on the outbound queues.

    Numbers that end in 0001 are undelivered, 0002 rejected, 0003 expired; all others are delivered. A message that
    comes again under its id is shown once. Without options HEXAD_SMS_SIMULATOR_MANNER holds.
    """
    from hexad.simulators import sms
    from hexad.simulators.rules import manner

    settings = given()
    sms.run(settings, manner(settings.sms_simulator_manner, **options))


@simulate.command("smtp")
@click.option("--delay", type=click.FloatRange(0, 3600), help="Seconds until it answers for a message.")
@click.option("--refuse", type=click.FloatRange(0, 1), help="Share of messages refused for good (554).")
@click.option("--later", type=click.FloatRange(0, 1), help="Share of messages put off (451).")
@click.option("--hang-up", type=click.FloatRange(0, 1), help="Share of messages at which it says 421.")
def simulate_smtp(**options: float | None) -> None:
    """An SMTP server, and a page to read the mailbox.

    Recipients `unknown@…` do not exist and `full@…` is full for now; all others are taken. Without options
    HEXAD_SMTP_SIMULATOR_MANNER holds.
    """
    from hexad.simulators import smtp
    from hexad.simulators.rules import manner

    settings = given(embedded=False)
    smtp.run(settings, manner(settings.smtp_simulator_manner, **options))


@simulate.command("reply")
@click.option("--from", "number", required=True, help="The number of who replies, such as +8613800000000.")
@click.option(
    "--text",
    required=True,
    help="What they write: T, TD or 退订 ends marketing; TDS, or T again within a day, service messages too.",
)
def simulate_reply(number: str, text: str) -> None:
    """A text message that somebody sends us, as the gateway would pass it on."""
    import asyncio

    from hexad.simulators import reply

    asyncio.run(reply.send(given(), number, text))


@simulate.command("advisory")
@click.option("--delay", default=0.0, type=click.FloatRange(0, 60), help="Seconds before each answer.")
@click.option("--down", default=0.0, type=click.FloatRange(0, 1), help="Share of requests answered with 503.")
@click.option("--nonsense", default=0.0, type=click.FloatRange(0, 1), help="Share of requests answered with nonsense.")
@click.option("--refuse", default=0.0, type=click.FloatRange(0, 1), help="Share of subscriptions refused.")
@click.option("--later", is_flag=True, help="Decide later: contracts come when they are asked for.")
def simulate_advisory(delay: float, down: float, nonsense: float, refuse: float, later: bool) -> None:
    """An advisory platform that takes subscriptions and gives contracts.

    It keeps them in HEXAD_VAR, so that nothing is forgotten when it stops.
    """
    from hexad.simulators import advisory
    from hexad.simulators.advisory import Manner

    advisory.run(given(embedded=False), Manner(delay=delay, down=down, nonsense=nonsense, refuse=refuse, later=later))


@simulate.command("inbox")
@click.option("--limit", default=20, type=click.IntRange(1, 1000), help="How many.")
def simulate_inbox(limit: int) -> None:
    """Print what was sent, the newest last."""
    from hexad import keys
    from hexad.simulators.mailbox import Mailbox
    from hexad.terminal import plain

    for letter in reversed(Mailbox(keys.folder()).newest(limit)):
        head = f"{letter.when}  {letter.channel}  {letter.sender} -> {letter.to}  {letter.subject}"
        click.echo(plain(f"{head}\n  {letter.text}"))
