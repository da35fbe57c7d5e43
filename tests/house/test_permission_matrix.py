"""The matrix of permissions is drawn from the code: every route and every frame, and which roles may use it."""

import os
from collections.abc import Iterator
from typing import get_args

from msgspec import Struct

from kernel.store.database import Tx
from mobile_contracts.frame import AnyClientFrame
from tests.api.test_routes_matrix import ROUTES
from tests.house.test_files import ROOT

PAGE = ROOT / "docs" / "permissions.md"
_HEAD = """\
# Who may do what

Drawn from the code: every route that is not public and every frame of the chat, with the permission that it asks, and
the roles that have it as delivered (`PUT /v1/staff/roles/{code}` changes them). How far a permission reaches is the
scope of the role. A test holds this page equal; `DRAW=1 pytest tests/house/test_permission_matrix.py` writes it anew.

"""


class Asks(Struct, frozen=True):
    """One thing that can be asked for, by whom, and the permission that it takes."""

    audience: str
    what: str
    permission: str


def asked() -> Iterator[Asks]:
    """Every route, then every frame for each side that may send it."""
    for route in ROUTES:
        yield Asks(route.audience, f"{route.method} {route.path}", route.permission)
    for frame in get_args(AnyClientFrame):
        for audience in ("staff", "investor"):
            if permission := str(getattr(frame, audience)):
                yield Asks(audience, f"frame {frame.__struct_config__.tag}", permission)


async def drawn(tx: Tx) -> str:
    """The page as it should be."""
    roles = [row[0] for row in await tx.fetch("select code from role where code <> 'investor' order by code")]
    rows = await tx.fetch("select role, permission from role_permission")
    given = {(row[0], row[1]) for row in rows}
    lines = [
        _HEAD,
        "## Staff\n\n| route or frame | permission | ", " | ".join(roles), " |\n|---|---|", "---|" * len(roles), "\n",
    ]  # fmt: skip
    everything = list(asked())
    for one in everything:
        if one.audience == "staff":
            marks = " | ".join("●" if (role, one.permission) in given else "" for role in roles)
            lines.append(f"| `{one.what}` | `{one.permission}` | {marks} |\n")
    for audience, title in (("investor", "Investors"), ("gateway", "Gateways, by their signature")):
        lines.append(f"\n## {title}\n\n| route or frame | permission |\n|---|---|\n")
        lines += [f"| `{one.what}` | `{one.permission}` |\n" for one in everything if one.audience == audience]
    return "".join(lines)


async def test_the_page_is_what_the_code_asks(tx: Tx) -> None:
    page = await drawn(tx)
    if os.environ.get("DRAW"):
        PAGE.write_text(page)
    assert PAGE.read_text() == page, "write it anew with `DRAW=1 pytest tests/house/test_permission_matrix.py`"


async def test_an_investor_has_what_their_routes_and_frames_ask(tx: Tx) -> None:
    given = {row[0] for row in await tx.fetch("select permission from role_permission where role = 'investor'")}
    assert {one.permission for one in asked() if one.audience == "investor"} <= given


def test_routes_and_frames_are_both_drawn() -> None:
    whats = {one.what.split(" ")[0] for one in asked()}
    assert {"GET", "POST", "PUT", "DELETE", "frame"} <= whats
    assert not [one for one in asked() if not one.permission]
