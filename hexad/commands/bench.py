"""Measures this machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from hexad.commands.group import FAILED, Commands

if TYPE_CHECKING:
    from bench import code, fanout, figures, ingest


@click.group("bench", cls=Commands)
def bench() -> None:
    """Measure this machine."""


@bench.command("http")
@click.option("--customers", default=3_000_000, type=click.IntRange(1000, 10_000_000), help="How many there are.")
@click.option("--connections", default=32, type=click.IntRange(1, 1000), help="Connections of the load.")
@click.option("--seconds", default=5.0, type=click.FloatRange(0.2, 600), help="Length of one load.")
@click.option("--rounds", default=3, type=click.IntRange(1, 100), help="Times that each is measured, in turn.")
@click.option("--no-growth", is_flag=True, help="Leave out the houses of a tenth and a hundredth.")
@click.option("--without-peer", is_flag=True, help="Leave out the peer: its packages come by `uv sync --group bench`.")
@click.option("--var", type=click.Path(file_okay=False, path_type=Path), help="A folder that keeps the database.")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write all figures here.")
def bench_http(var: Path | None, file: Path | None, **given: Any) -> None:
    """Reads of brokers, beside a floor and a peer.

    The floor is a bare handler on the same server with the same SELECT; the peer is FastAPI, SQLAlchemy and Pydantic
    under uvicorn. Makes a PostgreSQL of its own. Exit code 1 when a figure is not what is asked of it.
    """
    from bench.http import Parameters, run
    from hexad.terminal import progress

    with progress("customers made") as tell:
        report = run(Parameters(**given), var, lambda line: click.echo(line, err=True), tell)
    _tell(report, file)


@bench.command("chat")
@click.option("--connections", default=500, type=click.IntRange(2, 10_000), help="Sockets, half of them of investors.")
@click.option("--rate", default=250.0, type=click.FloatRange(1, 10_000), help="Messages a second of the steady load.")
@click.option("--seconds", default=10.0, type=click.FloatRange(0.5, 600), help="Length of the steady load.")
@click.option(
    "--start", default=1000.0, type=click.FloatRange(1, 100_000), help="Rate from which the highest is sought."
)
@click.option("--most", default=20_000.0, type=click.FloatRange(1, 100_000), help="Rate above which it is not.")
@click.option(
    "--storm", default=2000, type=click.IntRange(0, 10_000), help="Sockets cut at once; 0 leaves out cuts and kills."
)
@click.option("--var", type=click.Path(file_okay=False, path_type=Path), help="A folder that keeps the database.")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write all figures here.")
def bench_chat(var: Path | None, file: Path | None, **given: Any) -> None:
    """Messages of the chat, from `send` to `accepted`, beside a floor.

    Open loop: first a steady load, then many sockets cut at once until all are ready again, then the highest rate with
    a p99 below 250 ms, then the node killed until everybody speaks again. The floor is a bare server on the same
    uvicorn that passes text on and stores nothing. Makes a PostgreSQL of its own. Exit code 1 when a figure is not what
    is asked of it.
    """
    from bench.chat import Parameters, run

    _tell(run(Parameters(**given), var, lambda line: click.echo(line, err=True)), file)


@bench.command("ingest")
@click.option("--customers", default=3_000_000, type=click.IntRange(1000, 10_000_000), help="How many there are.")
@click.option("--var", type=click.Path(file_okay=False, path_type=Path), help="An empty folder that keeps it all.")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write all figures here.")
def bench_ingest(customers: int, var: Path | None, file: Path | None) -> None:
    """Loading two days of deliveries, beside a floor.

    The first day into nothing, the same again, then the second; a reader reads meanwhile. The floor is plain COPY.
    Makes a PostgreSQL of its own. Exit code 1 when a figure is not what is asked of it.
    """
    from bench.ingest import run

    _tell(run(customers, var, lambda line: click.echo(line, err=True)), file)


@bench.command("fanout")
@click.option(
    "--messages", default=200_000, type=click.IntRange(100, 3_000_000), help="Text messages of one broadcast."
)
@click.option("--floor-messages", default=50_000, type=click.IntRange(100, 1_000_000), help="Published by the floor.")
@click.option("--peer-messages", default=5_000, type=click.IntRange(100, 1_000_000), help="Sent by the peer.")
@click.option("--broker", "broker_url", default="", help="amqp://… of RabbitMQ; without it PGMQ alone is measured.")
@click.option("--without-peer", is_flag=True, help="Leave out the peer, Celery with one task per message.")
@click.option("--without-pgmq", is_flag=True, help="Leave out PGMQ.")
@click.option("--var", type=click.Path(file_okay=False, path_type=Path), help="A folder that keeps the database.")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write all figures here.")
def bench_fanout(var: Path | None, file: Path | None, **given: Any) -> None:
    """A broadcast by SMS from its start to the last receipt.

    On PGMQ, and on the RabbitMQ that is named, everything on this machine. The floor publishes ready JSON with
    pipelined confirms; the peer is one Celery task per message. Makes a PostgreSQL of its own. Exit code 1 when a
    figure is not what is asked of it.
    """
    from bench.fanout import Parameters, run
    from hexad.terminal import progress

    with progress("customers made") as tell:
        report = run(Parameters(**given), var, lambda line: click.echo(line, err=True), tell)
    _tell(report, file)


@bench.command("code")
@click.option("--codes", default=300, type=click.IntRange(10, 100_000), help="Codes that are asked for.")
@click.option("--every", default=0.03, type=click.FloatRange(0.001, 10), help="Seconds from one request to the next.")
@click.option("--messages", default=100_000, type=click.IntRange(100, 3_000_000), help="Text messages on their way.")
@click.option(
    "--mails", default=1_000, type=click.IntRange(0, 100_000), help="E-mails that the relay answers with 421."
)
@click.option("--broker", "broker_url", default="", help="amqp://… of RabbitMQ; without it PGMQ alone is measured.")
@click.option("--without-pgmq", is_flag=True, help="Leave out PGMQ.")
@click.option("--var", type=click.Path(file_okay=False, path_type=Path), help="A folder that keeps the database.")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write all figures here.")
def bench_code(var: Path | None, file: Path | None, **given: Any) -> None:
    """A code by SMS from its HTTP request to the outbound queue, while everything else hangs.

    A broadcast is on its way, the advisory platform never answers, the mail relay answers 421. Makes a PostgreSQL of
    its own. Exit code 1 when the p99 is above 2 s, or nothing was on its way any more when the last code was asked for.
    """
    from bench.code import Parameters, run
    from hexad.terminal import progress

    with progress("customers made") as tell:
        report = run(Parameters(**given), var, lambda line: click.echo(line, err=True), tell)
    _tell(report, file)


def _tell(report: "figures.Report | ingest.Report | fanout.Report | code.Report", file: Path | None) -> NoReturn:
    """Prints what was measured, and ends with what came of it."""
    import msgspec

    for line in report.lines():
        click.echo(line)
    if file is not None:
        file.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    raise click.exceptions.Exit(0 if all(one.reached for one in report.asked) else FAILED)
