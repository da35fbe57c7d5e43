"""The `hexad` command. Everything is imported where it is used, so that `--help` answers at once."""

import os
import sys

import click

from hexad.commands import audit, bench, data, installation, mailbox, people, processes, simulate, tour
from hexad.commands.group import FAILED, Commands
from kernel.errors import HexadError, Unavailable

_INTERRUPTED = 130
_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


@click.group(cls=Commands, context_settings=_CONTEXT)
@click.version_option(package_name="hexad", message="hexad %(version)s")
def hexad() -> None:
    """The marketing and service platform of a securities brokerage.

    Start with `hexad up`: everything on this machine, in one terminal. Settings are environment variables named
    HEXAD_…; `hexad doctor` lists them and says what is wrong and how to mend it.

    Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
    """


for _command in (
    processes.up,
    tour.tour,
    installation.doctor,
    installation.migrate,
    installation.restored,
    people.token,
    people.administrator,
    processes.serve,
    processes.work,
    processes.relay,
    processes.beat,
    processes.mail,
    processes.health,
    data.ingest,
    data.demo,
    data.demo_people,
    bench.bench,
    audit.audit,
    simulate.simulate,
    mailbox.mailbox,
):
    hexad.add_command(_command)


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
        code = FAILED
    except Exception as error:
        if type(error).__name__ != "UndefinedTableError":
            raise
        click.echo("hexad: the schema is not there yet: run `hexad migrate`", err=True)
        code = FAILED
    sys.exit(code)


def _way_out(error: HexadError) -> str:
    """What helps when the embedded PostgreSQL does not run."""
    away = isinstance(error, Unavailable) and error.detail.startswith("PostgreSQL does not answer")
    return ": start it with `hexad up`" if away and not os.environ.get("HEXAD_DATABASE_URL") else ""


if __name__ == "__main__":
    main()
