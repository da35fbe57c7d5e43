"""Deliveries from the folder to the tables: all or nothing, exact, again without effect."""

import asyncio
from datetime import timedelta
from pathlib import Path

import asyncpg
import pyarrow as pa
import pytest

from kernel.calendar import days
from kernel.errors import InvalidInput, Overloaded
from kernel.settings import Settings
from tests.workers.collection.maker import Maker, Row, a_day, as_parquet, counts, row, rows, take
from workers.collection.ingest import ingest

_EVERYTHING = {"branch": 1, "employee": 1, "customer": 1, "account": 1, "relation": 1, "delivery": 5}
_NOTHING = dict.fromkeys(_EVERYTHING, 0)


@pytest.mark.parametrize("form", ["csv", "csv.gz", "parquet"])
async def test_every_form_loads_the_same(own_settings: Settings, maker: Maker, form: str) -> None:
    maker.deliver(a_day(), form=form)
    assert (await take(own_settings, maker.root))[0]
    assert await counts(own_settings) == _EVERYTHING


async def test_one_is_added_of_each_and_the_second_time_nothing_happens(own_settings: Settings, maker: Maker) -> None:
    folder = maker.deliver(a_day())
    good, said = await take(own_settings, folder)
    assert good
    for feed in ("branch", "employee", "customer", "account", "relation"):
        assert f"{feed} 1 added, 0 changed, 0 ended, 0 unchanged" in said
    before = await rows(own_settings, "select version, changed_in::text from customer")
    good, said = await take(own_settings, folder)
    assert good
    assert said.count("1 rows as before") == 5
    assert await rows(own_settings, "select version, changed_in::text from customer") == before
    assert await rows(own_settings, "select count(*) from outbox where kind = 'DeliveryLoaded'") == [(1,)]


async def test_sources_of_one_day_may_name_one_another(own_settings: Settings, maker: Maker) -> None:
    day = a_day()
    maker.deliver({"employee": day.pop("employee")}, source="hr")
    maker.deliver(day)
    assert (await take(own_settings, maker.root / "2026-11-20"))[0]
    assert await counts(own_settings) == _EVERYTHING


async def test_a_lone_delivery_is_judged_against_what_is_loaded(own_settings: Settings, maker: Maker) -> None:
    day = a_day()
    people = maker.deliver({"employee": day.pop("employee")}, source="hr")
    good, said = await take(own_settings, people)
    assert not good
    assert "employee.csv row 1 column branch_code: names no known branch" in said
    assert await counts(own_settings) == _NOTHING


async def test_a_bad_delivery_changes_nothing_and_does_not_stop_a_good_one(
    own_settings: Settings, maker: Maker
) -> None:
    maker.deliver({"branch": [row("branch")], "employee": [row("employee")]}, source="hr")
    maker.deliver({"customer": [row("customer", status="asleep")], "account": [row("account")]})
    good, said = await take(own_settings, maker.root)
    assert not good
    assert "2026-11-20 counter: refused, 1 fault, nothing of it is loaded" in said
    assert "customer.csv row 1 column status: is none of normal, dormant, frozen, closed" in said
    assert await counts(own_settings) == {**_NOTHING, "branch": 1, "employee": 1, "delivery": 2}


async def test_what_refers_to_a_bad_delivery_is_bad_too(own_settings: Settings, maker: Maker) -> None:
    maker.deliver({"branch": [row("branch", name="")]}, source="abc")
    maker.deliver({"employee": [row("employee")]}, source="hr")
    good, said = await take(own_settings, maker.root)
    assert not good
    assert said.count("refused") == 2
    assert await counts(own_settings) == _NOTHING


@pytest.mark.parametrize(
    "bad",
    [row("account", status="asleep"), row("account", account_no="A2", customer_no="C9")],
    ids=["alone", "over one another"],
)
async def test_what_refers_to_a_delivery_falls_with_it_and_the_others_do_not(
    own_settings: Settings, maker: Maker, bad: Row
) -> None:
    maker.deliver({"branch": [row("branch")], "employee": [row("employee")]}, source="hr")
    maker.deliver({"customer": [row("customer")], "account": [row("account"), bad]})
    maker.deliver({"relation": [row("relation")]}, source="crm")
    maker.deliver({"customer": [row("customer", customer_no="C2")]}, source="margin")
    good, said = await take(own_settings, maker.root)
    assert not good
    assert "2026-11-20 counter: refused, 1 fault," in said
    assert "relation.csv row 1 column customer_no: names no known customer" in said
    assert "2026-11-20 hr: branch 1 added, 0 changed, 0 ended, 0 unchanged, employee 1 added" in said
    assert "2026-11-20 margin: customer 1 added, 0 changed, 0 ended, 0 unchanged" in said
    assert await counts(own_settings) == {**_NOTHING, "branch": 1, "employee": 1, "customer": 1, "delivery": 3}
    assert await rows(own_settings, "select customer_no from customer") == [("C2",)]
    assert await rows(own_settings, "select count(*) from outbox where kind = 'OrganisationChanged'") == [(1,)]


async def test_every_feed_of_a_delivery_is_judged_whichever_is_bad(own_settings: Settings, maker: Maker) -> None:
    faulty = {"customer": [row("customer", status="asleep")], "account": [row("account", kind="heap")]}
    good, said = await take(own_settings, maker.deliver(a_day(**faulty, relation=[row("relation", share="2")])))
    assert not good
    assert [line.split(":")[0].strip() for line in said.splitlines()[1:]] == [
        "customer.csv row 1 column status", "account.csv row 1 column kind", "relation.csv row 1 column share",
    ]  # fmt: skip
    assert await counts(own_settings) == _NOTHING


async def test_accounts_alone_find_the_customers_that_are_loaded(own_settings: Settings, maker: Maker) -> None:
    assert (await take(own_settings, maker.deliver(a_day())))[0]
    two = [row("account"), row("account", account_no="A2")]
    good, said = await take(own_settings, maker.deliver({"account": two}, "2026-11-21"))
    assert good, said
    assert "account 1 added, 0 changed, 0 ended, 1 unchanged" in said


async def test_rows_gone_end_that_day_and_come_back(own_settings: Settings, maker: Maker) -> None:
    people = [row("employee"), row("employee", employee_no="E2")]
    links = [row("relation"), row("relation", employee_no="E2", kind="develop")]
    maker.deliver(a_day(employee=people, relation=links), "2026-11-18")
    maker.deliver(a_day(), "2026-11-19")
    good, said = await take(own_settings, maker.root)
    assert good
    assert "employee 0 added, 0 changed, 1 ended, 1 unchanged" in said
    relation = "select kind, valid_to::text from relation order by kind"
    employee = "select employee_no, left_on::text from employee order by 1"
    assert await rows(own_settings, relation) == [("develop", "2026-11-19"), ("service", None)]
    assert await rows(own_settings, employee) == [("E1", None), ("E2", "2026-11-19")]
    assert (await take(own_settings, maker.deliver(a_day(employee=people, relation=links), "2026-11-20")))[0]
    assert await rows(own_settings, relation) == [("develop", None), ("service", None)]
    assert await rows(own_settings, employee) == [("E1", None), ("E2", None)]


@pytest.mark.parametrize("feed", ["customer", "account"])
async def test_a_customer_or_account_that_is_gone_is_a_fault(own_settings: Settings, maker: Maker, feed: str) -> None:
    two = [row(feed), row(feed, **{f"{feed}_no": "X2345678"})]
    maker.deliver(a_day(**{feed: two}), "2026-11-18")
    maker.deliver(a_day(), "2026-11-19")
    good, said = await take(own_settings, maker.root)
    assert not good
    assert f"{feed}.csv column {feed}_no: a {feed} that was delivered before is gone; its number ends in 5678" in said
    assert (await counts(own_settings))[feed] == 2


async def test_an_older_day_is_recorded_and_leaves_what_is_newer(own_settings: Settings, maker: Maker) -> None:
    maker.deliver(a_day(customer=[row("customer", name="新名")]), "2026-11-20")
    assert (await take(own_settings, maker.root))[0]
    older = maker.deliver(a_day(customer=[row("customer", name="旧名")], relation=[]), "2026-11-19")
    good, said = await take(own_settings, older)
    assert good
    assert "customer 1 rows of an older day, recorded" in said
    everything = "branch, employee, customer, account, relation"
    assert f"nothing of {everything} was changed: a newer day is loaded, 2026-11-20" in said
    assert await rows(own_settings, "select name from customer") == [("新名",)]
    assert await rows(own_settings, "select valid_to from relation") == [(None,)]
    assert (await counts(own_settings))["delivery"] == 10


async def test_a_day_that_has_not_come_is_refused_and_the_days_before_it_load(
    own_settings: Settings, maker: Maker
) -> None:
    today = days.today()
    maker.deliver(a_day(customer=[row("customer", name="明天")]), f"{today + timedelta(1)}")
    good, said = await take(own_settings, maker.root)
    assert not good
    assert (
        "refused, 1 fault, nothing of it is loaded\n  manifest.json: its day has not come yet: in Beijing it is" in said
    )
    assert await counts(own_settings) == _NOTHING
    good, said = await take(own_settings, maker.deliver(a_day(), f"{today}"))
    assert (good, "customer 1 added" in said) == (True, True)


async def test_a_wrong_day_that_is_forgotten_gives_way_to_the_day_before(own_settings: Settings, maker: Maker) -> None:
    right = maker.deliver(a_day(), "2026-11-19")
    assert (await take(own_settings, right))[0]
    wrong = a_day(customer=[row("customer", name="错名")], relation=[])
    assert (await take(own_settings, maker.deliver(wrong, "2026-11-20")))[0]
    assert "rows as before" in (await take(own_settings, right))[1]
    owner = await asyncpg.connect(own_settings.owner_url)
    await owner.execute("delete from delivery where source = 'counter' and day >= '2026-11-19'")
    await owner.close()
    assert (await take(own_settings, right))[0]
    assert await rows(own_settings, "select name from customer") == [("李娜",)]
    assert await rows(own_settings, "select valid_to from relation") == [(None,)]


async def test_the_same_numbers_written_otherwise_are_no_change(own_settings: Settings, maker: Maker) -> None:
    def links(half: str, whole: str) -> list[Row]:
        return [row("relation", share=half), row("relation", kind="advise", share=whole)]

    assert (await take(own_settings, maker.deliver(a_day(relation=links("0.5000", "1.0")), "2026-11-16")))[0]
    for day, form, relation in (("17", "csv", links("0.5", "1")), ("18", "csv.gz", links("0.50", "1.0000"))):
        good, said = await take(own_settings, maker.deliver({"relation": relation}, f"2026-11-{day}", form=form))
        assert (good, "relation 0 added, 0 changed, 0 ended, 2 unchanged" in said) == (True, True)
    for day, kind in (("19", pa.float64()), ("20", pa.decimal128(5, 4)), ("21", pa.string())):
        content = as_parquet(links("0.5000", "1.0000"), "relation", share=kind)
        folder = maker.files({"relation": ("relation.parquet", content, 2)}, f"2026-11-{day}")
        good, said = await take(own_settings, folder)
        assert (good, "relation 0 added, 0 changed, 0 ended, 2 unchanged" in said) == (True, True)
    good, said = await take(own_settings, maker.deliver({"relation": links("0.5001", "1")}, "2026-11-22"))
    assert (good, "relation 0 added, 1 changed, 0 ended, 1 unchanged" in said) == (True, True)


async def test_a_corrected_delivery_replaces_its_day(own_settings: Settings, maker: Maker) -> None:
    await take(own_settings, maker.deliver(a_day()))
    good, said = await take(own_settings, maker.deliver(a_day(customer=[row("customer", name="李敏")])))
    assert good
    assert "customer 0 added, 1 changed, 0 ended, 0 unchanged" in said
    assert "account 1 rows as before" in said
    assert await rows(own_settings, "select name from customer") == [("李敏",)]


async def test_a_feed_that_is_not_loaded_yet_is_checked_and_said(own_settings: Settings, maker: Maker) -> None:
    quote = b"index_code,close\n000300.SH,3900.1200\n"
    good, said = await take(own_settings, maker.files({"index_quote": ("index_quote.csv", quote, 1)}))
    assert (good, "index_quote 1 rows checked, not loaded yet" in said) == (True, True)
    good, said = await take(own_settings, maker.files({"index_quote": ("index_quote.csv", quote, 2)}))
    assert (good, "it has 1 rows, the manifest says 2" in said) == (False, True)


async def test_personal_data_never_appears_in_the_report(own_settings: Settings, maker: Maker) -> None:
    bad = row("customer", id_no="110101199003070012", mobile="1390013900x", name="李\x07娜", risk_level="9")
    good, said = await take(own_settings, maker.deliver(a_day(customer=[bad])))
    assert not good
    assert not any(value in said for value in ("11010119900307", "1390013900", "李", "娜"))


async def test_a_demo_gets_assets_and_its_relations_follow(own_settings: Settings, maker: Maker) -> None:
    assert (await take(own_settings, maker.deliver(a_day(), demo=True)))[0]
    found = await rows(
        own_settings, "select c.assets, r.assets from customer c join relation r on r.customer_id = c.id"
    )
    assert found[0][0] == found[0][1] > 0


async def test_two_loaders_wait_for_one_another(own_settings: Settings, maker: Maker) -> None:
    maker.deliver(a_day())
    both = await asyncio.gather(take(own_settings, maker.root), take(own_settings, maker.root))
    assert [good for good, _ in both] == [True, True]
    assert sorted("as before" in said for _, said in both) == [False, True]


async def test_a_loader_does_not_wait_for_ever(own_settings: Settings, maker: Maker) -> None:
    maker.deliver(a_day())
    holder = await asyncpg.connect(own_settings.database_url)
    await holder.execute("select pg_advisory_lock(1229866067)")
    with pytest.raises(Overloaded, match="another ingest"):
        await ingest(own_settings, maker.root, print, lambda done, total: None, wait=0.1)
    await holder.close()


@pytest.mark.parametrize("name", ["nowhere", "2026-11-20", "2026-11-20/counter"])
async def test_a_folder_without_a_delivery_is_one_sentence(own_settings: Settings, tmp_path: Path, name: str) -> None:
    if name != "nowhere":
        (tmp_path / "x" / name).mkdir(parents=True)
    folder = tmp_path / "x" / name
    if name == "2026-11-20/counter":
        good, said = await take(own_settings, folder)
        assert (good, "manifest.json cannot be read" in said) == (False, True)
    else:
        with pytest.raises(InvalidInput) as refused:
            await take(own_settings, folder)
        assert "\n" not in refused.value.detail
