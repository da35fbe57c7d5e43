"""The gateways whose word counts: whatever else claims to be one is forged."""

from kernel.keys import gateway_keys
from kernel.settings import Settings, words

MAILER = "smtp-main"
"""Our own SMTP sender, as its receipts name it."""


def names(settings: Settings) -> frozenset[str]:
    """Our own sender, those of HEXAD_GATEWAYS, and those that have a secret."""
    signing = (key.name for key in gateway_keys(settings.gateway_secrets))
    return frozenset((MAILER, *words(settings.gateways), *signing))
