"""Sessions (会话): where somebody is signed in, as they themselves and administrators see it."""

from datetime import datetime
from uuid import UUID

from mobile_contracts.base import Answer


class OpenSession(Answer, frozen=True):
    """One sign-in that is in force on one device; `current` is the one that asks."""

    id: UUID
    device_id: str
    device_name: str
    created_at: datetime
    expires_at: datetime
    current: bool
