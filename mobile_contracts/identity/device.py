"""The devices (设备) on which somebody uses the app: what a push needs, and where one is signed in."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from mobile_contracts.base import Answer, Input, Text

DEVICE_ID = r"^[A-Za-z0-9._:-]+(?![\s\S])"
"""What a device is called, in paths too; without a line break at the end, which `$` would take."""

DeviceId = Annotated[
    str, Meta(min_length=1, max_length=64, pattern=DEVICE_ID, description="made by the app once per installation")
]
Vendor = Literal["apns", "fcm", "huawei", "xiaomi", "oppo", "vivo", "honor"]
PushToken = Annotated[str, Meta(min_length=8, max_length=1000, pattern=r"^[\x21-\x7e]+\Z")]
AppVersion = Annotated[str, Meta(max_length=20, pattern=r"^[0-9.]*\Z")]


class Device(Answer, frozen=True):
    """`push` says whether a push can reach it, the token itself is never shown; a revoked one cannot sign in."""

    device_id: str
    name: str
    vendor: Vendor | None
    push: bool
    app_version: str
    seen_at: datetime
    revoked_at: datetime | None
    version: int


class DeviceChange(Input, frozen=True):
    """What the app says of the device it runs on; `vendor` and `push_token` come together or not at all."""

    name: Text = ""
    vendor: Vendor | None = None
    push_token: PushToken | None = None
    app_version: AppVersion = ""
