"""The signature that docs/gateways.md shows is the one that is taken; a used one is forgotten when its time is over."""

import time

import pytest
from hypothesis import given
from hypothesis import settings as bounded
from hypothesis import strategies as st

from kernel.errors import ClockSkewed, SignatureRefused, SignatureUsed
from kernel.settings.keys import GatewayKey
from kernel.store.database import Tx
from notifications.gateway.signature import check, forget, use
from tests.house.test_files import ROOT

KEY = GatewayKey("cmcc-1", b"0123456789abcdef0123456789abcdef", frozenset({"service"}))
EXAMPLE = "sha256=c1e9f2862c3a097cca13e4fe1510684ee20f53fa91db5caca983687545abb554"


def test_the_example_of_the_document() -> None:
    assert EXAMPLE.removeprefix("sha256=") in (ROOT / "docs" / "gateways.md").read_text()
    found, _ = check([KEY], "cmcc-1", "1793000000", EXAMPLE, b'{"items":[]}', 1793000100.0)
    assert found is KEY


def test_what_is_right_but_old_is_told_apart_from_what_is_wrong() -> None:
    with pytest.raises(ClockSkewed):
        check([KEY], "cmcc-1", "1793000000", EXAMPLE, b'{"items":[]}', 1793000301.0)
    with pytest.raises(SignatureRefused):
        check([KEY], "cmcc-1", "1793000001", EXAMPLE, b'{"items":[]}', 1793000000.0)


@bounded(deadline=None)
@given(name=st.text(max_size=20), timestamp=st.text(max_size=20), signature=st.text(max_size=80), body=st.binary())
def test_whatever_is_made_up_is_refused(name: str, timestamp: str, signature: str, body: bytes) -> None:
    with pytest.raises(SignatureRefused):
        check([KEY], name, timestamp, signature, body, time.time())


async def test_a_used_signature_is_remembered_for_longer_than_it_would_be_taken(tx: Tx) -> None:
    await use(tx, "cmcc-1", b"s" * 32)
    await forget(tx)
    with pytest.raises(SignatureUsed):
        await use(tx, "cmcc-1", b"s" * 32)
    await tx.execute("update gateway_signature set at = now() - interval '16 minutes'")
    await forget(tx)
    await use(tx, "cmcc-1", b"s" * 32)
