"""Sends one-time codes as they are wanted."""

from kernel.queues import URGENT
from mobile_contracts.event import CodeWanted
from notifications import one_time_code
from workers.runtime.registry import Means, sends


@sends(CodeWanted, URGENT)
async def send_code(event: CodeWanted, means: Means) -> None:
    """Hands the code to the SMS gateway's queue; one that expired or was never real is let go."""
    async with means.transaction("send_code") as tx:
        waiting = await one_time_code.find_waiting(tx, event.code_id)
    if waiting is not None:
        await one_time_code.hand_over(means.queues, means.settings, waiting)
    async with means.transaction("send_code") as tx:
        await one_time_code.forget(tx, event.code_id)
