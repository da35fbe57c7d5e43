"""A gateway is known by its name in the settings, with or without a secret."""

import msgspec

from kernel.settings import Settings
from notifications.gateway.known import names


def test_our_own_sender_those_named_and_those_that_sign_are_known(settings: Settings) -> None:
    given = msgspec.structs.replace(settings, gateways="cmcc-1, unicom-1", gateway_secrets=f"pull-1:{'s' * 32}")
    assert names(given) == {"smtp-main", "cmcc-1", "unicom-1", "pull-1"}


def test_the_simulator_is_known_where_nothing_is_set() -> None:
    assert names(Settings()) == {"smtp-main", "simulator-1"}
