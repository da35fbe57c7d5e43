"""Products, contracts and questionnaires as the advisory platform delivers them: exact, again, corrected, gone."""

from collections.abc import Sequence

import pytest

from kernel.settings import Settings
from tests.workers.collection.maker import OF_ADVISORY, Maker, Row, a_day, row, rows, take

_CONTRACT = "select contract_no, kind, signed_on::text, ended_on::text from contract order by 1"
_PRODUCT = "select product_code, name, category, risk_level, price::text, period_days, status from product order by 1"
_ANSWERED = (
    "select c.customer_no, (a.at at time zone 'UTC')::text, a.source, a.score, a.risk_level, a.expires_on::text"
    " from assessment a join customer c on c.id = a.customer_id order by 1, 2"
)


async def opened(settings: Settings, maker: Maker, **more: Sequence[Row]) -> None:
    """A brokerage with a customer, and a day of the platform."""
    maker.deliver(a_day(), "2026-11-17")
    maker.deliver({**{feed: [one] for feed, one in OF_ADVISORY.items()}, **more}, "2026-11-17", "advisory")
    good, said = await take(settings, maker.root / "2026-11-17")
    assert good, said


@pytest.mark.parametrize("form", ["csv", "csv.gz", "parquet"])
async def test_every_column_arrives_and_again_nothing_happens(own_settings: Settings, maker: Maker, form: str) -> None:
    maker.deliver(a_day(), "2026-11-17")
    maker.deliver({feed: [one] for feed, one in OF_ADVISORY.items()}, "2026-11-17", "advisory", form)
    good, said = await take(own_settings, maker.root)
    assert good, said
    for feed in OF_ADVISORY:
        assert f"{feed} 1 added, 0 changed, 0 ended, 0 unchanged" in said
    assert await rows(own_settings, _PRODUCT) == [("P1", "稳健组合", "advisory", 3, "1200.0000", 365, "on")]
    assert await rows(own_settings, _CONTRACT) == [("K1", "advisory", "2026-01-05", None)]
    assert await rows(own_settings, _ANSWERED) == [("C1", "2026-11-17 01:30:00", "advisory", 55, 3, "2028-11-20")]
    versions = "select version, changed_in::text from product"
    before = await rows(own_settings, versions)
    assert "product 1 rows as before" in (await take(own_settings, maker.root))[1]
    maker.deliver({feed: [row(feed)] for feed in ("product", "contract")}, "2026-11-18", "advisory")
    good, said = await take(own_settings, maker.root / "2026-11-18")
    assert (good, said.count("0 added, 0 changed, 0 ended, 1 unchanged")) == (True, 2)
    assert await rows(own_settings, versions) == before


async def test_what_is_gone_ends_that_day_and_comes_back(own_settings: Settings, maker: Maker) -> None:
    contracts = [row("contract"), row("contract", contract_no="K2", kind="trial", signed_on="2026-11-20")]
    products = [row("product"), row("product", product_code="P2")]
    await opened(own_settings, maker, contract=contracts, product=products)
    nothing: dict[str, list[Row]] = {"contract": [], "product": []}
    good, said = await take(own_settings, maker.deliver(nothing, "2026-11-18", "advisory"))
    assert (good, "contract 0 added, 0 changed, 2 ended" in said, "product 0 added, 0 changed, 2 ended" in said) == (
        True, True, True,
    )  # fmt: skip
    assert [one[3] for one in await rows(own_settings, _CONTRACT)] == ["2026-11-18", "2026-11-20"]
    assert [one[6] for one in await rows(own_settings, _PRODUCT)] == ["off", "off"]
    good, said = await take(own_settings, maker.deliver(nothing, "2026-11-19", "advisory"))
    assert "contract 0 added, 0 changed, 0 ended" in said
    back = {"contract": contracts, "product": products}
    assert (await take(own_settings, maker.deliver(back, "2026-11-20", "advisory")))[0]
    assert [one[3] for one in await rows(own_settings, _CONTRACT)] == [None, None]
    assert [one[6] for one in await rows(own_settings, _PRODUCT)] == ["on", "on"]


async def test_an_absent_snapshot_changes_nothing(own_settings: Settings, maker: Maker) -> None:
    await opened(own_settings, maker)
    good, _ = await take(own_settings, maker.deliver({"questionnaire": []}, "2026-11-18", "advisory"))
    assert good
    assert [one[3] for one in await rows(own_settings, _CONTRACT)] == [None]
    assert len(await rows(own_settings, _ANSWERED)) == 1


async def test_a_corrected_day_of_questionnaires_replaces_that_day_alone(own_settings: Settings, maker: Maker) -> None:
    await opened(own_settings, maker)
    two = [row("questionnaire", time="10:00:00"), row("questionnaire", time="11:00:00", score="81", risk_level="5")]
    assert (await take(own_settings, maker.deliver({"questionnaire": two}, "2026-11-18", "advisory")))[0]
    corrected = [
        row("questionnaire", time="11:00:00", score="82", risk_level="5"),
        row("questionnaire", time="12:00:00"),
    ]
    good, said = await take(own_settings, maker.deliver({"questionnaire": corrected}, "2026-11-18", "advisory"))
    assert good
    assert "questionnaire 1 added, 1 changed, 1 ended, 0 unchanged" in said
    assert [(one[1], one[3]) for one in await rows(own_settings, _ANSWERED)] == [
        ("2026-11-17 01:30:00", 55), ("2026-11-18 03:00:00", 82), ("2026-11-18 04:00:00", 55),
    ]  # fmt: skip
    older = [row("questionnaire", time="08:00:00", score="10", risk_level="1")]
    good, said = await take(own_settings, maker.deliver({"questionnaire": older}, "2026-11-17", "advisory"))
    assert (good, "questionnaire 1 added, 0 changed, 1 ended" in said) == (True, True)
    assert next(one[1] for one in await rows(own_settings, _ANSWERED)) == "2026-11-17 00:00:00"


async def test_two_sources_do_not_end_one_anothers_questionnaires(own_settings: Settings, maker: Maker) -> None:
    await opened(own_settings, maker)
    other = maker.deliver({"questionnaire": [row("questionnaire", time="15:00:00")]}, "2026-11-17", "website")
    assert (await take(own_settings, other))[0]
    assert [one[2] for one in await rows(own_settings, _ANSWERED)] == ["advisory", "website"]


_WRONG = [
    ("contract", {"contract_no": "K2", "ended_on": "2026-01-04"}, "column ended_on: is before signed_on"),
    ("contract", {"contract_no": "K3", "kind": "gift"}, "column kind: is none of advisory, service, product, trial"),
    ("product", {"product_code": "P2", "risk_level": "6"}, "column risk_level: is none of 1, 2, 3, 4, 5"),
    ("product", {"product_code": "P3", "price": "-1"}, "column price: is negative"),
    ("product", {"product_code": "P4", "price": "NaN"}, "column price: is no number"),
    ("product", {"product_code": "P5", "period_days": "1.5"}, "column period_days: is no whole number"),
    ("questionnaire", {"score": "101"}, "column score: is more than 100"),
    ("questionnaire", {"time": "25:00:00"}, "column time: is no time such as 09:30:00"),
]
_UNKNOWN = [
    ("contract", {"customer_no": "C9"}, "contract.csv row 1 column customer_no: names no known customer"),
    ("contract", {"contract_no": "K2", "product_code": "P9"}, "row 2 column product_code: names no known product"),
    ("questionnaire", {"customer_no": "C9"}, "column customer_no: names no known customer"),
]


@pytest.mark.parametrize("faults", [_WRONG, _UNKNOWN], ids=["wrong", "unknown"])
async def test_a_fault_refuses_the_delivery_whole(
    own_settings: Settings, maker: Maker, faults: list[tuple[str, dict[str, str], str]]
) -> None:
    maker.deliver(a_day(), "2026-11-17")
    bad = {name: [row(name, **changes) for feed, changes, _ in faults if feed == name] for name in OF_ADVISORY}
    feeds = {name: found or [row(name)] for name, found in bad.items()}
    maker.deliver(feeds, "2026-11-17", "advisory")
    good, said = await take(own_settings, maker.root)
    assert not good
    assert [fault for _, _, fault in faults if fault not in said] == []
    assert f"advisory: refused, {len(faults)} faults" in said
    found = await rows(own_settings, "select count(*) from product union all select count(*) from contract")
    assert found == [(0,), (0,)]


async def test_a_key_twice_and_another_sources_row_are_faults(own_settings: Settings, maker: Maker) -> None:
    await opened(own_settings, maker)
    twice = maker.deliver({"questionnaire": [row("questionnaire")] * 2}, "2026-11-18", "advisory")
    good, said = await take(own_settings, twice)
    assert (good, "the key (customer_no, time) is there more than once" in said) == (False, True)
    good, said = await take(own_settings, maker.deliver({"product": [row("product")]}, "2026-11-18", "shop"))
    assert (good, "is delivered by another source too" in said) == (False, True)


async def test_a_contract_that_the_platform_told_of_outlives_a_delivery_from_before_it(
    own_settings: Settings, maker: Maker
) -> None:
    await opened(own_settings, maker)
    await rows(
        own_settings,
        "insert into contract (contract_no, customer_id, product_code, kind, signed_on, polled, source, digest)"
        " select 'K7', id, 'P1', 'service', '2026-11-19', true, 'advisory', '\\x01' from customer returning 1",
    )
    assert (await take(own_settings, maker.deliver({"contract": [row("contract")]}, "2026-11-18", "advisory")))[0]
    assert (await rows(own_settings, _CONTRACT))[1][3] is None
    assert (await take(own_settings, maker.deliver({"contract": [row("contract")]}, "2026-11-20", "advisory")))[0]
    assert (await rows(own_settings, _CONTRACT))[1][3] == "2026-11-20"


async def test_the_newest_word_on_what_a_customer_can_bear_counts(own_settings: Settings, maker: Maker) -> None:
    standing = "select risk_level, expires_on::text from standing"
    maker.deliver(a_day(customer=[row("customer", risk_level="2", risk_assessed_on="2025-05-05")]), "2026-11-17")
    assert (await take(own_settings, maker.root))[0]
    assert await rows(own_settings, standing) == [(2, "2027-05-05")]
    maker.deliver({"questionnaire": [row("questionnaire", risk_level="4")]}, "2026-11-17", "advisory")
    assert (await take(own_settings, maker.root))[0]
    assert await rows(own_settings, standing) == [(4, "2028-11-20")]
    newer = a_day(customer=[row("customer", risk_level="1", risk_assessed_on="2026-11-18")])
    assert (await take(own_settings, maker.deliver(newer, "2026-11-18")))[0]
    assert await rows(own_settings, standing) == [(1, "2028-11-18")]
