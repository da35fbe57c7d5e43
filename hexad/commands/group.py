"""What groups of commands have in common."""

import click

FAILED = 1
"""The exit code of a command that did its work and found something wrong."""


class Commands(click.Group):
    """Lists commands in the order in which a newcomer meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)
