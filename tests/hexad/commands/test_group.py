"""Commands are listed as they were added."""

import click

from hexad.commands.group import Commands


def test_the_order_is_ours() -> None:
    group = Commands()
    for name in ("up", "doctor", "audit"):
        group.add_command(click.Command(name))
    assert group.list_commands(click.Context(group)) == ["up", "doctor", "audit"]
