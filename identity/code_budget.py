"""Who asks for a code, and how many are theirs: what strangers ask for is counted apart from what the owner may.

Budgets are apart by purpose as well. See docs/decisions/0021-strangers-count-apart.md.
"""

from typing import Literal

from msgspec import Struct

from kernel.process.address import neighbourhood

AskedBy = Literal["stranger", "device", "signed_in"]
"""Nobody known; somebody on a device on which this person has signed in; the person, signed in."""

PER_PERSON = (1, 5, 10)
"""Codes that one login, as it was typed, gets for one purpose per minute, hour and day."""

PER_NUMBER = (2, 10, 20)
"""The same of a mobile number: twice as many, so that nobody learns which customer number a mobile number goes with."""

PER_DEVICE, PER_ADDRESS = 10, 20
"""Codes that strangers ask for per hour, whomever for."""

_SHARE = 50


class Asker(Struct, frozen=True):
    """Who asks and from where; `asked_for` is the keyed hash of the login, `device_id` where the code will be good."""

    by: AskedBy
    asked_for: bytes
    device_id: str
    address: str

    @property
    def network(self) -> str:
        """What one subscriber of a provider may have at hand, of which the address is one."""
        return neighbourhood(self.address)

    @property
    def turns(self) -> list[str]:
        """Whoever counts to the same limit waits for one another, strangers for strangers alone."""
        keys = [f"code {self.by} {self.asked_for.hex()}"]
        if self.by == "stranger":
            keys += [f"code address {self.address}", f"code device {self.device_id}"]
        return keys


def per_network(firm: int) -> int:
    """Codes per hour that strangers of one network may ask for: a fiftieth of what the firm sends to all strangers."""
    return max(PER_ADDRESS, firm // _SHARE)
