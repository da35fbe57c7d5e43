"""What gateways took on a lease and did not acknowledge goes back into its queue."""

from kernel import logs
from kernel.crypto import Fields
from kernel.database import Database
from kernel.queues.client import Queues
from kernel.settings import Settings
from notifications.gateway import lease, signature

_SECONDS = 1.0
_log = logs.logger(__name__)


class Leases:
    """Ends leases and forgets old signatures; any number may run."""

    def __init__(self, database: Database, queues: Queues, settings: Settings) -> None:
        self._database, self._queues, self._fields = database, queues, Fields(settings)

    async def turn(self) -> float:
        """Ends what is over and gives the seconds to wait; raises `Unavailable`."""
        async with self._database.transaction() as tx:
            ended = await lease.give_back(tx, self._queues, self._fields)
            await signature.forget(tx)
            await lease.forget(tx)
        if ended:
            _log.info("leases ended", messages=ended)
        return 0.0 if ended else _SECONDS
