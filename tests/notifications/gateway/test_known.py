"""A gateway is known by its name in the settings, with or without a secret, and speaks for its channels alone."""

import msgspec
import pytest

from kernel.errors import Misconfigured
from kernel.settings import Settings
from notifications.gateway.known import gateways


def test_our_own_sender_those_named_and_those_that_sign_are_known_each_for_its_channels(settings: Settings) -> None:
    given = msgspec.structs.replace(
        settings,
        gateways="cmcc-1, unicom-1:sms+push ,hook-2:email",
        gateway_secrets=f"pull-1:{'s' * 32}:service,hook-1:{'s' * 32},cmcc-1:{'s' * 32},hook-2:{'s' * 32}:service",
    )
    assert {name: "+".join(sorted(channels)) for name, channels in gateways(given).items()} == {
        "smtp-main": "email", "cmcc-1": "sms", "unicom-1": "push+sms", "hook-2": "email", "pull-1": "sms",
        "hook-1": "email",
    }  # fmt: skip


def test_a_gateway_whose_secret_changes_keeps_its_channel(settings: Settings) -> None:
    given = msgspec.structs.replace(settings, gateways="", gateway_secrets=f"a:{'s' * 32},a:{'t' * 32}:marketing")
    assert gateways(given)["a"] == {"sms"}


def test_the_simulator_is_known_where_nothing_is_set() -> None:
    assert gateways(Settings()) == {"smtp-main": {"email"}, "simulator-1": {"sms"}}


@pytest.mark.parametrize("wrong", ["a:fax", "a:", "A", "a:sms+", "a b", "a:email:sms"])
def test_what_is_no_name_or_no_channel_is_refused(settings: Settings, wrong: str) -> None:
    with pytest.raises(Misconfigured, match="HEXAD_GATEWAYS must be"):
        gateways(msgspec.structs.replace(settings, gateways=wrong))
