"""A hub for connections that are tested alone."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from centers.service.conversation_rules import Said
from kernel.process.apart import Apart
from kernel.security.scope import Principal
from mobile_contracts.frame import Asked, SendMessage, ServerFrame
from realtime.connection import Arrival, Connection


class Nobody:
    """A hub of which nothing is asked."""

    epoch = ""

    def __init__(self) -> None:
        self.failing = Apart("catching up")

    async def sign_in(self, connection: Connection, token: str, device_id: str) -> tuple[Principal, float]:
        raise AssertionError

    async def arrive(self, connection: Connection, principal: Principal, resume: Mapping[UUID, int]) -> Arrival:
        raise AssertionError

    async def ask(self, connection: Connection, frame: Asked) -> Sequence[ServerFrame]:
        raise AssertionError

    def send(self, connection: Connection, frame: SendMessage) -> None:
        raise AssertionError

    async def missed(self, conversation_id: UUID, since: int, size: int) -> list[Said]:
        raise AssertionError

    def head(self, conversation_id: UUID) -> int:
        raise AssertionError
