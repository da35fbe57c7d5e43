"""The gateways whose word counts, and about messages of which channels: whatever else claims to be one is forged."""

from collections import defaultdict
from collections.abc import Mapping

from kernel.settings import Settings
from kernel.settings.keys import gateway_channels, gateway_keys

MAILER = "smtp-main"
"""Our own SMTP sender, as its receipts name it."""

HOUSE = "hexad"
"""The house itself, where it finds that nobody can send a message."""

Gateways = Mapping[str, frozenset[str]]
"""Names, each with the channels whose messages go to it."""


def gateways(settings: Settings) -> Gateways:
    """Our own sender, those of HEXAD_GATEWAYS with their channels, and those that have a secret.

    Of what a secret alone names, whoever may lease text messages speaks for these, and any other for e-mail: a hook.
    """
    signing: dict[str, frozenset[str]] = defaultdict(frozenset)
    for key in gateway_keys(settings.gateway_secrets):
        signing[key.name] |= key.purposes
    signed = {name: frozenset(("sms" if purposes else "email",)) for name, purposes in signing.items()}
    return {**signed, **gateway_channels(settings.gateways), MAILER: frozenset(("email",))}
