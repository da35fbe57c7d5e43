"""Sends one-time codes as they are wanted."""

from kernel.database import Tx
from kernel.scope import apply_system
from mobile_contracts.event import CodeWanted
from notifications import code
from workers.registry import Means, sends


@sends(CodeWanted)
async def send_code(tx: Tx, event: CodeWanted, means: Means) -> None:
    """Hands the code to the SMS gateway's queue; one that expired or was never real is let go."""
    await apply_system(tx, "send_code", kind="company")
    await code.send(tx, means.queues, means.settings, event.code_id)
