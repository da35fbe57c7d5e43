"""What is sent to sign in is bounded, and prints nothing of the secrets in it."""

import msgspec
import pytest

from mobile_contracts.identity import sign_in

CANARY = "canary-Pa55word-7731"


def test_nothing_with_a_secret_prints_it() -> None:
    device = sign_in.Device("phone-1")
    for one in (
        sign_in.StaffSignIn("1", CANARY, CANARY, device),
        sign_in.InvestorSignIn("1", device, CANARY, CANARY),
        sign_in.Refresh(CANARY, "d"),
        sign_in.SignOut(CANARY),
        sign_in.Activation("1", CANARY, CANARY),
        sign_in.PasswordChange(CANARY, CANARY),
        sign_in.InvestorPasswordChange(CANARY, CANARY, CANARY),
        sign_in.SingleSignOnFinish(CANARY, CANARY, device),
        sign_in.Authenticator(CANARY, CANARY),
        sign_in.ActivationIssued("1", CANARY, 1),
    ):
        assert CANARY not in repr(one)
        assert CANARY not in repr([one])
        assert CANARY not in f"{one}"


@pytest.mark.parametrize("digits", ["12345", "1234567", "12345a", "123456\n", "１２３４５６", " 12345", ""])
def test_six_digits_are_six_digits(digits: str) -> None:
    body = {"login": "1", "device": {"device_id": "d"}, "code": digits}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(body, sign_in.InvestorSignIn)


@pytest.mark.parametrize("device_id", ["", "x" * 101, "a\tb"])
def test_a_device_has_a_name_of_its_own(device_id: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"device_id": device_id}, sign_in.SingleSignOnStart)
