"""Every route and every frame but the first two asks for a permission, and some role gives it."""

from collections.abc import Iterable
from typing import get_args

from kernel.store.database import Tx
from mobile_contracts.frame import AnyClientFrame, Auth, ClientFrame, Ping

OPEN = {Auth, Ping}
"""By `auth` one signs in; `ping` tells nothing."""


def unasked(frames: Iterable[type[ClientFrame]]) -> list[str]:
    """Frames that ask no permission of either side."""
    return [one.__name__ for one in frames if one not in OPEN and not (one.staff or one.investor)]


def named(frames: Iterable[type[ClientFrame]]) -> set[str]:
    """The permissions that frames ask for."""
    return {permission for one in frames for permission in (one.staff, one.investor)} - {""}


async def unheld(tx: Tx, permissions: set[str]) -> set[str]:
    """Those that no role gives."""
    return permissions - {row[0] for row in await tx.fetch("select permission from role_permission")}


def test_every_frame_asks_for_a_permission() -> None:
    assert unasked(get_args(AnyClientFrame)) == []


async def test_some_role_gives_each(tx: Tx) -> None:
    assert await unheld(tx, named(get_args(AnyClientFrame))) == set()


async def test_a_frame_that_asks_nothing_or_what_nobody_has_is_found(tx: Tx) -> None:
    class Shout(ClientFrame, frozen=True, tag="shout"):
        pass

    class Whisper(ClientFrame, frozen=True, tag="whisper"):
        staff = "chat.whisper"

    assert unasked([Auth, Ping, Shout, Whisper]) == ["Shout"]
    assert await unheld(tx, named([Shout, Whisper])) == {"chat.whisper"}
