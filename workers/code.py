"""Sends one-time codes as they are wanted."""

from kernel.queues import URGENT
from mobile_contracts.event import CodeWanted
from notifications import code
from workers.registry import Means, sends


@sends(CodeWanted, URGENT)
async def send_code(event: CodeWanted, means: Means) -> None:
    """Hands the code to the SMS gateway's queue; one that expired or was never real is let go."""
    async with means.transaction("send_code") as tx:
        waiting = await code.find_waiting(tx, event.code_id)
    if waiting is not None:
        await code.hand_over(means.queues, means.settings, waiting)
    async with means.transaction("send_code") as tx:
        await code.forget(tx, event.code_id)
