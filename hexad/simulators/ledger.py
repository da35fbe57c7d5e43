"""What the simulated advisory platform knows: subscriptions it took, contracts it made; kept in a file.

Taking is idempotent: a subscription that is known already is answered as before.
"""

import datetime
import threading
from pathlib import Path
from uuid import UUID

import msgspec
from msgspec import Struct

from kernel.calendar import days
from mobile_contracts.product.advisory import ContractNews, ContractsRead, Order, PlatformContract, Verdict

_DAYS = 365


class Taken(Struct):
    """One subscription: whether it was refused, cancelled, or what contract it has and since which position."""

    subscription_id: UUID
    refused: str = ""
    cancelled: bool = False
    contract: PlatformContract | None = None
    position: int = 0
    told: bool = True  # false: decided, but not said yet


class Ledger:
    """All subscriptions, in the order in which they changed."""

    def __init__(self, var: Path) -> None:
        self._file, self._lock = var / "advisory.json", threading.Lock()
        kept = self._file.read_bytes() if self._file.exists() else b"[]"
        self._taken = {one.subscription_id: one for one in msgspec.json.decode(kept, type=list[Taken])}
        self._position = max((one.position for one in self._taken.values()), default=0)

    def take(self, order: Order, *, refuse: bool = False, later: bool = False) -> Verdict:
        """Takes a subscription; with `later` it is decided at once and told only when contracts are read."""
        with self._lock:
            taken = self._taken.get(order.subscription_id) or self._new(order, refuse=refuse, later=later)
            return _verdict(taken)

    def cancel(self, subscription_id: UUID) -> Verdict:
        """Ends the contract today; one that was never taken is not going to be."""
        with self._lock:
            taken = self._taken.setdefault(subscription_id, Taken(subscription_id))
            if not taken.cancelled:
                taken.cancelled = True
                if taken.contract:
                    ended = max(days.today(), taken.contract.signed_on)
                    self._moved(taken, msgspec.structs.replace(taken.contract, ended_on=ended))
                self._keep()
            return _verdict(taken)

    def read(self, after: int, at_most: int) -> ContractsRead:
        """Contracts that are new or changed after a position, in their order."""
        with self._lock:
            found = sorted((one for one in self._taken.values() if one.position > after), key=lambda one: one.position)
            for one in found[:at_most]:
                one.told = True
            items = [ContractNews(one.position, one.contract, one.subscription_id) for one in found if one.contract]
            return ContractsRead(items[:at_most], len(items) > at_most)

    def _new(self, order: Order, *, refuse: bool, later: bool) -> Taken:
        taken = Taken(order.subscription_id, refused="the platform does not want it" if refuse else "", told=not later)
        if not refuse:
            signed = days.today()
            self._moved(taken, PlatformContract(
                contract_no=f"S{order.subscription_id.hex[-24:]}", customer_no=order.customer_no,
                product_code=order.product_code, kind="service", signed_on=signed,
                ended_on=signed + datetime.timedelta(days=_DAYS),
            ))  # fmt: skip
        self._taken[order.subscription_id] = taken
        self._keep()
        return taken

    def _moved(self, taken: Taken, contract: PlatformContract) -> None:
        self._position += 1
        taken.contract, taken.position = contract, self._position

    def _keep(self) -> None:
        written = self._file.with_suffix(".new")
        written.write_bytes(msgspec.json.encode(list(self._taken.values())))
        written.replace(self._file)


def _verdict(taken: Taken) -> Verdict:
    if taken.cancelled:
        return Verdict("cancelled", contract=taken.contract)
    if taken.refused:
        return Verdict("refused", taken.refused)
    return Verdict("accepted", contract=taken.contract) if taken.told else Verdict("pending")
