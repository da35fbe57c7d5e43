"""A job: one event for one handler, as an administrator sees it."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from mobile_contracts.base import Answer

JobState = Literal["running", "waiting", "set_aside", "done"]


class Job(Answer, frozen=True):
    """`attempts` counts how often it was begun; `set_aside` waits for somebody to look at `error` and try it again."""

    event_id: UUID
    handler: str
    kind: str
    state: JobState
    attempts: int
    error: str | None
    started_at: datetime
    version: int
