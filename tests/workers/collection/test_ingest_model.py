"""Any sequence of deliveries ends where a naive model, written independently, ends."""

import random
from pathlib import Path
from typing import Any

import pytest

from kernel.settings import Settings
from tests.workers.collection.maker import Maker, row, rows, take

_DAYS = [f"2026-11-{day:02}" for day in (16, 17, 18, 19, 20)]
Links = dict[tuple[str, str], tuple[str, str]]


class Model:
    """Customers and relations as dictionaries; days are applied whole, older ones only remembered."""

    def __init__(self) -> None:
        self.customers: dict[str, tuple[str, str]] = {}
        self.links: dict[tuple[str, str], tuple[str, str | None]] = {}
        self.last = ""

    def take(self, day: str, customers: dict[str, tuple[str, str]], links: Links) -> bool:
        """Applies a delivery; gives whether it is good."""
        known = customers.keys() | self.customers.keys()
        if any(customer not in known for customer, _ in links) or (
            day >= self.last and self.customers.keys() - customers
        ):
            return False
        if day < self.last:
            return True
        self.last, self.customers = day, dict(customers)
        for key, (share, to) in self.links.items():
            if key not in links:
                self.links[key] = (share, min(to or day, day))
        self.links |= {key: (share, to or None) for key, (share, to) in links.items()}
        return True


def _next(chance: random.Random, customers: dict[str, tuple[str, str]], links: Links) -> None:
    """Changes a delivery a little: adds, changes, moves, ends, forgets."""
    for _ in range(chance.randint(0, 3)):
        customers[f"C{chance.randint(1, 12)}"] = (chance.choice("甲乙丙"), chance.choice(["B1", "B2"]))
        if customers:
            key = (
                chance.choice([*customers, "C99"] if chance.random() < 0.1 else [*customers]),
                chance.choice(["E1", "E2"]),
            )
            links[key] = (chance.choice(["0.5", "1"]), chance.choice(["", "2026-12-31"]))
    for gone in [key for key in links if chance.random() < 0.15]:
        del links[gone]
    if customers and chance.random() < 0.1:
        del customers[chance.choice([*customers])]


async def _state(settings: Settings) -> tuple[Any, Any]:
    customers = await rows(
        settings,
        "select c.customer_no, c.name, b.code from customer c join unit b on b.id = c.branch_id order by 1",
    )
    links = await rows(
        settings,
        "select c.customer_no, e.employee_no, trim_scale(r.share)::text, r.valid_to::text, b.code from relation r"
        " join customer c on c.id = r.customer_id join employee e on e.id = r.employee_id"
        " join unit b on b.id = r.branch_id order by 1, 2",
    )
    return customers, links


@pytest.mark.parametrize("seed", range(4))
async def test_the_database_is_where_the_model_is(own_settings: Settings, tmp_path: Path, seed: int) -> None:
    chance, model, maker = random.Random(seed), Model(), Maker(tmp_path / "deliveries")
    customers: dict[str, tuple[str, str]] = {}
    links: Links = {}
    base = {
        "branch": [row("branch"), row("branch", branch_code="B2")],
        "employee": [row("employee"), row("employee", employee_no="E2")],
    }
    assert (await take(own_settings, maker.deliver(base, "2026-11-15", "hr")))[0]
    for _ in range(10):
        if chance.random() < 0.8:
            _next(chance, customers, links)
        day = chance.choice(_DAYS)
        feeds = {
            "customer": [row("customer", customer_no=no, name=n, branch_code=b) for no, (n, b) in customers.items()],
            "relation": [
                row("relation", customer_no=c, employee_no=e, share=s, valid_to=to) for (c, e), (s, to) in links.items()
            ],
        }
        good, said = await take(
            own_settings, maker.deliver(feeds, day, form=chance.choice(["csv", "csv.gz", "parquet"]))
        )
        assert good == model.take(day, customers, links), said
        if not good:
            customers, links = (
                dict(model.customers),
                {k: (s, to or "") for k, (s, to) in model.links.items() if k[0] != "C99"},
            )
        branch = {no: place for no, (_, place) in model.customers.items()}
        assert await _state(own_settings) == (
            [(no, *one) for no, one in sorted(model.customers.items())],
            [(*key, *one, branch[key[0]]) for key, one in sorted(model.links.items())],
        )
