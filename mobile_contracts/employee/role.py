"""Roles (角色), what they permit and how far that reaches, as administrators see and change them."""

from typing import Annotated, Literal

from msgspec import Meta, field

from mobile_contracts.base import Answer, Input

RoleScope = Literal["none", "self", "own", "team", "branch", "region", "company"]
"""How far the permissions of a role reach: nobody's customers, oneself, those one looks after, those of a unit, all."""

PermissionName = Annotated[str, Meta(min_length=1, max_length=60, pattern=r"^[a-z_.]+\Z")]


class Role(Answer, frozen=True):
    """A role with its permissions, in alphabetical order."""

    code: str
    name_zh: str
    name_en: str
    scope: RoleScope
    permissions: list[str]
    version: int


class RoleChange(Input, frozen=True):
    """What the role shall permit from now on, whole, and how far."""

    scope: RoleScope
    permissions: Annotated[list[PermissionName], Meta(max_length=100)]


class Route(Answer, frozen=True):
    """One route of the API."""

    method: str
    path: str


class Permission(Answer, frozen=True):
    """A permission (权限) with the routes and, by type, the frames of the WebSocket that ask for it."""

    permission: str
    routes: list[Route]
    frames: list[str] = field(default_factory=list)
