"""Who asks, and which rows they may see: made by authentication alone, first argument of every scoped query."""

from pathlib import Path
from typing import Literal
from uuid import UUID

from msgspec import Struct

from kernel.database import Tx
from kernel.sql import load

Audience = Literal["staff", "investor", "gateway"]
ScopeKind = Literal["none", "self", "own", "team", "branch", "region", "company"]
_sql = load(Path(__file__).with_name("scope.sql"))


class Principal(Struct, frozen=True, kw_only=True):
    """A signed-in person or machine: `subject` is an employee_no, a customer_no or a gateway's name."""

    audience: Audience
    subject: str
    session_id: UUID
    device_id: str
    permissions: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The principal as it stands in logs, audit rows and policies, for instance `staff:10086`."""
        return f"{self.audience}:{self.subject}"


class Scope(Struct, frozen=True, kw_only=True):
    """The rows that a principal may see: of one kind, over one unit (an employee, team, branch or region)."""

    principal: Principal
    kind: ScopeKind
    unit: str = ""
    request_id: str = ""


async def apply(tx: Tx, scope: Scope) -> None:
    """Sets the scope on the transaction, where row-level security and the audit log read it; gone when it ends."""
    principal = scope.principal
    await _sql.apply(
        tx,
        principal=principal.name,
        kind=scope.kind,
        unit=scope.unit,
        session=str(principal.session_id),
        device=principal.device_id,
        request=scope.request_id,
    )


async def apply_system(tx: Tx, name: str, request_id: str = "") -> None:
    """Marks the transaction as the system's own work (a job, a schedule, a command): it sees no scoped row."""
    await _sql.apply(tx, principal=f"system:{name}", kind="none", unit="", session="", device="", request=request_id)
