"""What is sent to sign in is bounded, and prints nothing of the secrets in it."""

import msgspec
import pytest

from mobile_contracts import auth

CANARY = "canary-Pa55word-7731"


def test_nothing_with_a_secret_prints_it() -> None:
    device = auth.Device("phone-1")
    for one in (
        auth.StaffSignIn("1", CANARY, CANARY, device),
        auth.InvestorSignIn("1", device, CANARY, CANARY),
        auth.Refresh(CANARY, "d"),
        auth.SignOut(CANARY),
        auth.Activation("1", CANARY, CANARY),
        auth.PasswordChange(CANARY, CANARY),
        auth.InvestorPasswordChange(CANARY, CANARY, CANARY),
        auth.SingleSignOnFinish(CANARY, CANARY, device),
        auth.Authenticator(CANARY, CANARY),
        auth.ActivationIssued("1", CANARY, 1),
    ):
        assert CANARY not in repr(one)
        assert CANARY not in repr([one])
        assert CANARY not in f"{one}"


@pytest.mark.parametrize("digits", ["12345", "1234567", "12345a", "123456\n", "１２３４５６", " 12345", ""])
def test_six_digits_are_six_digits(digits: str) -> None:
    body = {"login": "1", "device": {"device_id": "d"}, "code": digits}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(body, auth.InvestorSignIn)


@pytest.mark.parametrize("device_id", ["", "x" * 101, "a\tb"])
def test_a_device_has_a_name_of_its_own(device_id: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"device_id": device_id}, auth.SingleSignOnStart)
