"""The main job told as a story."""

import click

from hexad.commands.group import FAILED
from hexad.commands.settings import given


@click.command("tour")
@click.option("--json", "as_json", is_flag=True, help="Only the steps and their times, as JSON.")
def tour(as_json: bool) -> None:
    """See the main job done, step by step, by a system that runs.

    Brokers, investors and an adviser do what they do on their phones and terminals: sign in, write, chat, subscribe,
    publish. It needs `hexad up` with the embedded database, in the same environment. Where nobody was loaded yet, a
    small brokerage is made up first; two brokers, an adviser and two investors get new random passwords each time.
    Outside the hours in which people may be written to, it shows that nothing leaves. One address gets 20 codes by SMS
    in an hour, so that it can be told six times.

    Exit code 1 when something is not as promised; the first such thing is named.
    """
    import asyncio

    import msgspec

    from hexad.embedded import located
    from hexad.terminal import plain
    from hexad.tour.story import check, tell

    settings = given(embedded=False)
    check(settings)
    report = asyncio.run(tell(located(settings), lambda line: None if as_json else click.echo(plain(line))))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report)))
    elif report.ok:
        click.echo(f"\nEverything is as promised, after {report.seconds:.1f} s.")
    if not report.ok:
        click.echo(f"hexad: not as promised: {report.broken}", err=True)
        raise click.exceptions.Exit(FAILED)
