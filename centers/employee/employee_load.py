"""Merges the feeds `branch` and `employee` into units and employees, set by set, in the load's own transaction."""

import datetime
from pathlib import Path
from typing import Any

from msgspec import Struct

from kernel.store.database import Tx
from kernel.store.sql import load

_sql = load(Path(__file__).with_name("employee_load.sql"))

KNOWN: dict[str, str] = {
    "known_branch": _sql.known_branches.sql,
    "known_employee": _sql.known_employees.sql,
    "known_branch_id": _sql.known_branch_ids.sql,
}
"""What the loader compares with, each a query for COPY."""


class Merged(Struct):
    """What a merge did, in rows; `moved` are employees who stand in another unit than before."""

    added: int = 0
    changed: int = 0
    ended: int = 0
    moved: int = 0

    @property
    def any(self) -> bool:
        """Whether anything was written."""
        return bool(self.added or self.changed or self.ended or self.moved)


async def stage(tx: Tx) -> None:
    """Makes the empty tables that the feeds are copied into; gone with the transaction."""
    for make in (
        _sql.stage_branch,
        _sql.stage_branch_source,
        _sql.stage_employee,
        _sql.stage_place,
        _sql.stage_gone_employee,
    ):
        await make(tx)


async def merge_branches(tx: Tx, day: datetime.date) -> bool:
    """Makes, renames, moves and ends regions and branches as delivered; says whether the tree changed.

    Units that staff placed stay as they are. The tree is locked for others only when it changes.
    """
    changed = 0
    if await _sql.find_new_units(tx):
        changed += await _sql.add_regions(tx) + await _sql.add_branches(tx)
    changed += await _sql.renew_units(tx)
    changed += await _move(tx, await _sql.find_moved_branches(tx))
    changed += await _sql.end_units(tx, day=day)
    return bool(changed)


async def merge_employees(tx: Tx, day: datetime.date) -> Merged:
    """Writes new and changed employees, places everybody in their team or branch, ends those who are gone.

    A branch that was merged stands for the one that took it over; people whom staff placed stay where they are.
    """
    await _sql.follow_merges(tx)
    tree = await _merge_teams(tx)
    merged = Merged(changed=await _sql.change_employees(tx), ended=await _sql.end_employees(tx, day=day))
    merged.added = await _sql.add_employees(tx)
    merged.moved = await _sql.place_employees(tx) + tree
    return merged


async def _merge_teams(tx: Tx) -> int:
    """A team stands below the branch in which most of its people were when it was seen first; then it moves as one."""
    added = await _sql.add_teams(tx) if await _sql.find_new_teams(tx) else 0
    return int(added) + await _move(tx, await _sql.find_moved_teams(tx))


async def _move(tx: Tx, moves: list[Any]) -> int:
    if not moves:
        return 0
    ids, parents = zip(*moves, strict=True)
    return int(await _sql.move_units(tx, ids=list(ids), parents=list(parents)))
