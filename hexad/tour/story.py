"""The story: its steps in order, told as they happen, until the end or the first thing that is not as promised."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from msgspec import Struct

from hexad import ports
from hexad.auditing import verify
from hexad.health import PROCESSES, SIMULATORS, problem
from hexad.tour import adviser, broker, investor, subscriber
from hexad.tour.cast import gather
from hexad.tour.promise import Broken, promised, until
from hexad.tour.stage import Done, Stage, set_up
from kernel.audit import seal
from kernel.errors import InvalidInput, Unavailable
from kernel.settings import Settings

SECONDS = 60.0
"""What the whole story may take, loading aside."""


class Told(Struct, frozen=True):
    """One step: what it is, what was as promised in it, seconds, and what was not."""

    name: str
    done: list[Done]
    seconds: float
    broken: str = ""


class Report(Struct, frozen=True):
    """The whole story; `broken` names the step and what was not as promised, empty when everything was."""

    ok: bool
    seconds: float
    steps: list[Told]
    broken: str = ""


async def audited(stage: Stage) -> None:
    """The audit log verifies."""

    async def look() -> seal.Report | None:
        report = await verify(stage.settings, lambda *_: None)
        return report if report.faults or not report.waiting else None

    report = await until("every row of the audit log is sealed", look)
    promised(report.sound, f"the audit log is not as it was sealed: {report.fault_count} faults")
    stage.tell(f"{report.sealed} rows and {report.anchored} anchors, none changed")


STEPS: tuple[Callable[[Stage], Awaitable[None]], ...] = (
    broker.sees_their_own,
    broker.sends_care,
    investor.chats,
    subscriber.subscribe,
    adviser.publishes,
    audited,
)


async def tell(settings: Settings, say: Callable[[str], None]) -> Report:
    """Tells the story line by line; raises `InvalidInput` where nobody can play in it."""
    cast = await gather(settings, say)
    began, steps, said = time.monotonic(), list[Told](), list[Done]()

    def keep(done: Done) -> None:
        said.append(done)
        say(f"  {done.seconds:5.2f} s  {done.what}")

    async with set_up(settings, cast, keep) as stage:
        for number, step in enumerate(STEPS, 1):
            say(f"\n{number}. {name(step)}")
            said.clear()
            steps.append(await _told(stage, step, said, began + SECONDS - time.monotonic()))
            if steps[-1].broken:
                break
    last = steps[-1]
    broken = f"step {len(steps)} ({last.name}): {last.broken}" if last.broken else ""
    return Report(not broken, round(time.monotonic() - began, 2), steps, broken)


def check(settings: Settings) -> None:
    """Raises `Unavailable` naming each process that is not ready, `InvalidInput` where people are not made up."""
    if not settings.embedded:
        raise InvalidInput(
            "the story gives people new passwords, so it is told in the embedded database alone: unset"
            " HEXAD_DATABASE_URL"
        )
    found = {one: problem(ports.address(settings, port)) for one, port in {**PROCESSES, **SIMULATORS}.items()}
    if away := [f"{one} is {why}" for one, why in found.items() if why]:
        raise Unavailable(f"{'; '.join(away)}: start everything with `hexad up`, in the same environment")


def name(step: Callable[[Stage], Awaitable[None]]) -> str:
    """The step in one sentence."""
    return (step.__doc__ or "").rstrip(".")


async def _told(
    stage: Stage, step: Callable[[Stage], Awaitable[None]], said: list[Done], seconds: float
) -> Told:  # fmt: skip
    began, broken = time.monotonic(), ""
    try:
        async with asyncio.timeout(seconds):
            await step(stage)
    except Broken as error:
        broken = str(error)
    except TimeoutError:
        broken = f"the story is not over within {SECONDS:g} s"
    return Told(name(step), list(said), round(time.monotonic() - began, 2), broken)
