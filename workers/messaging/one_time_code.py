"""Sends one-time codes as they are wanted."""

from identity.one_time_code import find_waiting, forget
from kernel.queues import URGENT
from mobile_contracts.event import CodeWanted
from notifications.one_time_code import hand_over
from workers.runtime.registry import Means, sends


@sends(CodeWanted, URGENT, name="send_code")
async def send_code(event: CodeWanted, means: Means) -> None:
    """Hands the code to the SMS gateway's queue; one that expired or was never real is let go."""
    async with means.transaction("send_code") as tx:
        waiting = await find_waiting(tx, event.code_id)
    if waiting is not None:
        await hand_over(means.queues, means.settings, waiting)
    async with means.transaction("send_code") as tx:
        await forget(tx, event.code_id)
