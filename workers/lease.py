"""What gateways took on a lease and did not acknowledge goes back into its queue."""

from centers.customer.contact import Seals
from kernel import logs
from kernel.crypto import BlindIndex, Fields
from kernel.database import Database
from kernel.queues.client import Queues
from kernel.settings import Settings
from notifications import receipt
from notifications.gateway import lease, signature

_SECONDS = 1.0
_log = logs.logger(__name__)


class Leases:
    """Ends leases and forgets old signatures; any number may run."""

    def __init__(self, database: Database, queues: Queues, settings: Settings) -> None:
        self._database, self._queues = database, queues
        self._seals = Seals(Fields(settings), BlindIndex(settings))

    async def turn(self) -> float:
        """Ends what is over and gives the seconds to wait; raises `Unavailable`."""
        async with self._database.transaction() as tx:
            ended = await lease.give_back(tx, self._queues, self._seals.fields)
            await signature.forget(tx)
            await lease.forget(tx)
            await receipt.refuse(tx, self._seals, "sms", ended.unreadable, receipt.UNREADABLE)
        if ended.leases:
            _log.info("leases ended", messages=ended.leases)
        return 0.0 if ended.leases else _SECONDS
