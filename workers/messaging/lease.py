"""What gateways took on a lease and did not acknowledge goes back into its queue."""

from collections.abc import Collection
from uuid import UUID

from centers.customer.contact import Seals
from kernel.queues.client import Queues
from kernel.security.crypto import BlindIndex, Fields
from kernel.settings import Settings
from kernel.store.database import Database, Tx
from kernel.telemetry import logs
from notifications.gateway import lease, signature
from notifications.receipt import receipt

_SECONDS = 1.0
_log = logs.logger(__name__)


class Leases:
    """Ends leases and forgets old signatures; any number may run."""

    def __init__(self, database: Database, queues: Queues, settings: Settings) -> None:
        self._database, self._queues = database, queues
        self._seals = Seals(Fields(settings), BlindIndex(settings))

    async def turn(self) -> float:
        """Ends what is over and gives the seconds to wait; raises `Unavailable`."""
        ended = await lease.give_back(self._database, self._queues, self._seals.fields, self._lose)
        async with self._database.transaction() as tx:
            await signature.forget(tx)
            await lease.forget(tx)
        if ended:
            _log.info("leases ended", messages=ended)
        return 0.0 if ended else _SECONDS

    async def _lose(self, tx: Tx, ids: Collection[UUID]) -> None:
        await receipt.refuse(tx, self._seals, "sms", ids, receipt.UNREADABLE)
