"""Signing in and out: what phones and terminals send, and the tokens that they get.

Nothing in here prints itself: a password, code or token must not reach a log by way of a traceback.
"""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from mobile_contracts.base import NO_CONTROLS, Answer, Input
from mobile_contracts.identity.device import DeviceId

Number = Annotated[str, Meta(min_length=1, max_length=64, pattern=NO_CONTROLS, description="employee number")]
Login = Annotated[
    str, Meta(min_length=1, max_length=64, pattern=NO_CONTROLS, description="customer number or mobile number")
]
Password = Annotated[str, Meta(min_length=1, max_length=512, pattern=NO_CONTROLS)]
NewPassword = Annotated[
    str, Meta(min_length=1, max_length=512, pattern=NO_CONTROLS, description="10 to 128 characters, not a common one")
]
Digits = Annotated[str, Meta(min_length=6, max_length=6, pattern=r"^[0-9]{6}\Z", description="six digits")]
ActivationCode = Annotated[str, Meta(min_length=1, max_length=40, pattern=NO_CONTROLS)]
Token = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_-]+\Z")]
Opaque = Annotated[str, Meta(min_length=1, max_length=4096, pattern=NO_CONTROLS)]
Name = Annotated[str, Meta(max_length=100, pattern=NO_CONTROLS)]
Version = Annotated[str, Meta(max_length=40, pattern=NO_CONTROLS)]


class Secretive(Input, frozen=True):
    """An input that holds a secret, and prints nothing but its name."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class Device(Input, frozen=True):
    """The phone or terminal that a session is bound to."""

    device_id: DeviceId
    name: Name = ""
    app_version: Version = ""


class StaffSignIn(Secretive, frozen=True):
    """A member of staff signs in; `totp` is what the authenticator shows."""

    employee_no: Number
    password: Password
    totp: Digits
    device: Device


class InvestorSignIn(Secretive, frozen=True):
    """An investor signs in with either the password or a code that came by SMS."""

    login: Login
    device: Device
    password: Password | None = None
    code: Digits | None = None


class CodeRequest(Secretive, frozen=True):
    """A code is wanted by SMS, to sign in or to set a password; it is good on this device alone."""

    login: Login
    device_id: DeviceId
    purpose: Literal["sign_in", "password"] = "sign_in"


class CodeOnItsWay(Answer, frozen=True):
    """The code comes by SMS if such a person is known; `expires_in` and `again_in` are seconds."""

    expires_in: int
    again_in: int


class Refresh(Secretive, frozen=True):
    """New tokens are wanted; a refresh token is good once, on the device that it was given to."""

    refresh_token: Token
    device_id: DeviceId


class SignOut(Secretive, frozen=True):
    """The session of this refresh token ends."""

    refresh_token: Token


class Activation(Secretive, frozen=True):
    """A member of staff sets a password with the code that an administrator handed over."""

    employee_no: Number
    code: ActivationCode
    password: NewPassword


class PasswordChange(Secretive, frozen=True):
    """A new password, by the old one."""

    old_password: Password
    password: NewPassword


class InvestorPasswordChange(Secretive, frozen=True):
    """A new password, by the old one, or by a code sent by SMS for this purpose when there was none."""

    password: NewPassword
    old_password: Password | None = None
    code: Digits | None = None


class PasswordReset(Secretive, frozen=True):
    """A new password of an investor who forgot theirs, by a code sent by SMS to this device for this purpose."""

    login: Login
    device_id: DeviceId
    code: Digits
    password: NewPassword


class SingleSignOnStart(Input, frozen=True):
    """Single sign-on begins on this device."""

    device_id: DeviceId


class SingleSignOnFinish(Secretive, frozen=True):
    """What the provider sent back to the app."""

    state: Token
    code: Opaque
    device: Device


class SignedIn(Answer, frozen=True):
    """A session: the access token goes into `Authorization: Bearer …`; times are seconds from now."""

    session_id: UUID
    audience: Literal["staff", "investor"]
    subject: str
    access_token: str
    expires_in: int
    refresh_token: str
    refresh_expires_in: int

    def __repr__(self) -> str:
        return f"SignedIn(session_id={self.session_id})"


class Authenticator(Answer, frozen=True):
    """What an authenticator app needs, shown once: the address as a QR code, or the key typed in."""

    provisioning_uri: str
    secret: str

    def __repr__(self) -> str:
        return "Authenticator(…)"


class ActivationIssued(Answer, frozen=True):
    """A code for one activation, shown once; `expires_in` is seconds."""

    employee_no: str
    code: str
    expires_in: int

    def __repr__(self) -> str:
        return f"ActivationIssued(employee_no={self.employee_no!r})"


class SingleSignOn(Answer, frozen=True):
    """Where the browser goes to sign in at the provider."""

    url: str
