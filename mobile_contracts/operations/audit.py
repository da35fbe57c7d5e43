"""The audit log (审计日志) as those see it who search it: what was done, by whom, when, to which thing."""

from datetime import datetime
from typing import Any

from mobile_contracts.base import Answer


class AuditLine(Answer, frozen=True):
    """One row; `before` and `after` hold the thing's fields, personal data hidden."""

    id: int
    at: datetime
    principal: str
    session_id: str
    device_id: str
    request_id: str
    action: str
    noun: str
    noun_id: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str | None
