"""Authenticators as RFC 6238 has them: its own test vectors, one step of drift, no more."""

import base64
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.authenticator import STEP_SECONDS, code_at, new_secret, provisioning_uri, step_of

RFC = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037")],
)
def test_the_vectors_of_the_rfc(seconds: int, code: str) -> None:
    assert code_at(RFC, seconds // STEP_SECONDS) == code
    assert step_of(RFC, code, seconds) == seconds // STEP_SECONDS


@settings(deadline=None)
@given(st.integers(min_value=10, max_value=2**40), st.integers(min_value=-4, max_value=4))
def test_a_code_is_known_one_step_before_and_after(step: int, drift: int) -> None:
    code = code_at(RFC, step)
    found = step_of(RFC, code, (step + drift) * STEP_SECONDS + 7)
    near = {step + drift + one: code_at(RFC, step + drift + one) for one in (-1, 0, 1)}
    assert (found is not None) == (code in near.values())
    assert found is None or near[found] == code


def test_a_key_is_160_random_bits_that_an_app_can_read() -> None:
    secret = new_secret()
    assert len(base64.b32decode(secret)) == 20
    assert secret != new_secret()
    address = urlsplit(provisioning_uri(secret, "10 086"))
    assert (address.scheme, address.netloc, address.path) == ("otpauth", "totp", "/Hexad%3A10%20086")
    assert parse_qs(address.query) == {"secret": [secret], "issuer": ["Hexad"], "digits": ["6"], "period": ["30"]}


@pytest.mark.parametrize("code", ["", "12345", "１２３４５６", "abcdef"])
def test_what_is_no_code_matches_nothing(code: str) -> None:
    assert step_of(RFC, code, 59) is None
