"""The feeds `branch` and `employee` of the made-up brokerage."""

import numpy as np
import pyarrow as pa

from hexad.demo import text, words
from hexad.demo.brokerage import BROKERS_PER_TEAM, Brokerage
from hexad.demo.mix import Whole
from hexad.demo.text import Days, digits, joined, taken, where

BROKER, ADVISER, FORMER, LEADER, MANAGER, OFFICE = "1", "2", "3", "4", "5", "6"
"""First digit of the employee_no of each kind of people; five digits follow."""

_AT_THE_BRANCH = ("branch_manager", "marketing_manager", "broker_supervisor", "account_manager")
_AT_HEAD_OFFICE = ("head_office_marketing", "compliance", "service_agent", "administrator")


def numbers(kind: str, index: Whole) -> pa.Array:
    """Employee numbers of a kind of people."""
    return digits(index, 5, kind)


def branch_codes(branch: Whole) -> pa.Array:
    """Codes of branches."""
    return digits(branch + np.uint64(1), 3, "B")


def branch(brokerage: Brokerage) -> pa.Table:
    """The branches, dealt out to the regions in turn."""
    index = np.arange(brokerage.branches, dtype=np.uint64)
    region = index % np.uint64(brokerage.regions)
    city = taken(words.CITIES, index % np.uint64(len(words.CITIES)))
    road = taken(words.ROADS, index // np.uint64(8) % np.uint64(len(words.ROADS)))
    return pa.table(
        {
            "branch_code": branch_codes(index),
            "name": joined(city, road, "证券营业部"),
            "region_code": digits(region + np.uint64(1), 1, "R"),
            "region_name": joined(taken(words.REGIONS, region), "区"),
        }
    )


def former_left_on(brokerage: Brokerage, index: Whole) -> Days:
    """When the former brokers left: most of them before the first day, some on one of the days."""
    days = brokerage.dates()
    before = days[0] - np.timedelta64(30, "D") - brokerage.mix.below(900, "former.left", index).astype("timedelta64[D]")
    during = days[brokerage.mix.below(len(days), "former.day", index).astype(np.int64)]
    return np.where(brokerage.mix.uniform("former.late", index) < 0.3, during, before)


def employee(brokerage: Brokerage, number: int) -> pa.Table:
    """Everybody as the personnel department has them on the day of this number."""
    branches = np.uint64(brokerage.branches)
    parts = []
    for kind, count in ((BROKER, brokerage.brokers), (ADVISER, brokerage.advisers), (FORMER, brokerage.former)):
        index = np.arange(count, dtype=np.uint64)
        team = index // branches // np.uint64(BROKERS_PER_TEAM)
        position = "adviser" if kind == ADVISER else "broker"
        parts.append(
            _rows(
                brokerage,
                number,
                kind,
                index,
                index % branches,
                [position] * count,
                _teams(kind, index % branches, team),
            )
        )
    teams = -(-brokerage.brokers // (brokerage.branches * BROKERS_PER_TEAM))
    index = np.arange(teams * brokerage.branches, dtype=np.uint64)
    leads = _teams(LEADER, index % branches, index // branches)
    parts.append(_rows(brokerage, number, LEADER, index, index % branches, ["team_leader"] * len(index), leads))
    parts.extend(_staff(brokerage, number))
    return pa.concat_tables(parts)


def _staff(brokerage: Brokerage, number: int) -> list[pa.Table]:
    """Who is in no team: managers of each branch, and head office, which sits in the first one."""
    count = brokerage.branches * len(_AT_THE_BRANCH)
    index, office = (
        np.arange(count, dtype=np.uint64),
        np.arange(brokerage.regions + len(_AT_HEAD_OFFICE), dtype=np.uint64),
    )
    positions = [_AT_THE_BRANCH[one // brokerage.branches] for one in range(count)]
    offices = [*["region_manager"] * brokerage.regions, *_AT_HEAD_OFFICE]
    in_region = np.where(office < brokerage.regions, office, 0).astype(np.uint64)
    nobody = [pa.nulls(len(one), pa.string()) for one in (index, office)]
    return [
        _rows(brokerage, number, MANAGER, index, index % np.uint64(brokerage.branches), positions, nobody[0]),
        _rows(brokerage, number, OFFICE, office, in_region, offices, nobody[1]),
    ]


def _teams(kind: str, branch_of: Whole, team: Whole) -> pa.Array:
    """Codes of teams; advisers are in none."""
    codes = joined(digits(branch_of + np.uint64(1), 3, "T"), digits(team + np.uint64(1), 2))
    return pa.nulls(len(codes), pa.string()) if kind == ADVISER else codes


def _rows(
    brokerage: Brokerage, number: int, kind: str, index: Whole, branch_of: Whole, position: list[str], team: pa.Array
) -> pa.Table:
    mix, key = brokerage.mix, index + np.uint64(int(kind) * 100_000)
    changed, _ = brokerage.latest("employee.changed", 0.01, key, number)
    licensed = np.array([one in ("broker", "adviser", "team_leader", "account_manager") for one in position])
    licence = ["investment_adviser" if one == "adviser" else "securities_broker" for one in position]
    hired = brokerage.dates()[0] - np.timedelta64(1000, "D") - mix.below(4000, "hired", key).astype("timedelta64[D]")
    until = brokerage.dates()[0] + mix.below(1500, "licence.until", key, changed).astype("timedelta64[D]")
    left = former_left_on(brokerage, index)
    gone = (left <= brokerage.dates()[number]) if kind == FORMER else np.zeros(len(index), np.bool_)
    return pa.table(
        {
            "employee_no": numbers(kind, index),
            "name": text.person(mix, "employee", key, mix.uniform("employee.female", key) < 0.5),
            "branch_code": branch_codes(branch_of),
            "team_code": team,
            "position": pa.array(position),
            "licence_kind": where(licensed, pa.array(licence)),
            "licence_no": where(licensed, digits(key, 12, "S")),
            "licence_valid_to": text.days(until, licensed),
            "mobile": text.mobile(key + np.uint64(2_000_000_000) + changed * np.uint64(1_000_000)),
            "email": joined(numbers(kind, index), "@hexad.example"),
            "hired_on": text.days(hired),
            "left_on": text.days(left, gone),
        }
    )
