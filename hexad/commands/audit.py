"""The audit log."""

import click

from hexad.commands.group import FAILED, Commands
from hexad.commands.settings import given


@click.group("audit", cls=Commands)
def audit() -> None:
    """The append-only log of every write."""


@audit.command("verify")
def audit_verify() -> None:
    """Check every row, the chain and the anchor file."""
    import asyncio

    from hexad.auditing import verify
    from hexad.terminal import progress

    with progress("rows") as tell:
        report = asyncio.run(verify(given(), tell))
    for fault in report.faults:
        click.echo(f"{fault.kind}: {fault.what}")
    click.echo(f"{report.sealed} rows checked, {report.anchored} anchors, {report.waiting} rows wait for the sealer")
    if not report.sound:
        click.echo(f"hexad: the audit log is not as it was sealed, {report.fault_count} faults", err=True)
        raise click.exceptions.Exit(FAILED)
