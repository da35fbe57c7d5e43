"""The organisation (组织机构) as administrators see and change it: company, regions, branches (营业部), teams."""

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta

from mobile_contracts.base import NO_CONTROLS, Answer, Input

UnitKind = Literal["company", "region", "branch", "team"]
UnitId = Annotated[int, Meta(ge=1, le=2**31 - 1)]
UnitCode = Annotated[str, Meta(min_length=1, max_length=20, pattern=r"^[A-Za-z0-9_.-]+\Z")]
UnitName = Annotated[str, Meta(min_length=1, max_length=100, pattern=NO_CONTROLS)]


class Unit(Answer, frozen=True):
    """A unit (机构). `staff` placed it when an administrator made or changed it: a feed leaves it alone then.

    `ended_on` is the first day on which it is gone; a branch below another branch was merged (合并) into it.
    """

    id: int
    kind: UnitKind
    code: str
    name: str
    parent_id: int | None
    placed_by: Literal["feed", "staff"]
    ended_on: date | None
    version: int


class UnitLine(Answer, frozen=True):
    """A unit in a list; `employees` are those who work in it, or in a unit below it, today."""

    id: int
    kind: UnitKind
    code: str
    name: str
    parent_id: int | None
    placed_by: Literal["feed", "staff"]
    ended_on: date | None
    version: int
    employees: int


class UnitStep(Answer, frozen=True):
    """One unit on the way from the company down to where somebody stands."""

    id: int
    kind: UnitKind
    code: str
    name: str


class UnitNew(Input, frozen=True):
    """A unit to be made: a region below the company, a branch below a region, a team below a branch."""

    kind: Literal["region", "branch", "team"]
    code: UnitCode
    name: UnitName
    parent_id: UnitId


class UnitChange(Input, frozen=True):
    """How the unit shall be called and where it shall stand; a merged branch that is moved to a region is undone."""

    name: UnitName
    parent_id: UnitId | None


class UnitMerge(Input, frozen=True):
    """The branch that takes over the customers, teams and employees."""

    into: UnitId
