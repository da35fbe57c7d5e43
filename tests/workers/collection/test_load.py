"""A load writes only what changed, tells of it once, and moves what follows a customer."""

from kernel.settings import Settings
from tests.workers.collection.maker import Maker, a_day, row, rows, take

_TWO_BRANCHES = [row("branch"), row("branch", branch_code="B2", name="中山路营业部")]


async def test_unchanged_rows_are_not_rewritten(own_settings: Settings, maker: Maker) -> None:
    two = [row("customer"), row("customer", customer_no="C2")]
    await take(own_settings, maker.deliver(a_day(customer=two), "2026-11-18"))
    query = "select customer_no, xmin::text, version, changed_in::text from customer order by 1"
    before = await rows(own_settings, query)
    two[1] = row("customer", customer_no="C2", status="dormant")
    await take(own_settings, maker.deliver(a_day(customer=two), "2026-11-19"))
    after = await rows(own_settings, query)
    assert after[0] == before[0]
    assert after[1][2] > before[1][2]
    assert after[1][3] > before[1][3]


async def test_a_customer_who_changes_branch_leaves_a_trace_and_takes_relations_along(
    own_settings: Settings, maker: Maker
) -> None:
    left = (
        "select b.code, c.customer_no from customer_left l"
        " join unit b on b.id = l.branch_id join customer c on c.id = l.customer_id"
    )
    await take(own_settings, maker.deliver(a_day(branch=_TWO_BRANCHES), "2026-11-17"))
    moved = [row("customer", branch_code="B2")]
    await take(own_settings, maker.deliver(a_day(branch=_TWO_BRANCHES, customer=moved), "2026-11-18"))
    assert await rows(own_settings, left) == [("B1", "C1")]
    follows = "select b.code from relation r join unit b on b.id = r.branch_id"
    assert await rows(own_settings, follows) == [("B2",)]
    await take(own_settings, maker.deliver(a_day(branch=_TWO_BRANCHES), "2026-11-19"))
    assert await rows(own_settings, left) == [("B2", "C1")]
    assert await rows(own_settings, follows) == [("B1",)]


async def test_every_delivery_is_told_and_audited_once_without_personal_data(
    own_settings: Settings, maker: Maker
) -> None:
    await take(own_settings, maker.deliver(a_day()))
    told = sorted(await rows(own_settings, "select kind from outbox"))
    assert told == [("DeliveryLoaded",), ("OrganisationChanged",)]
    ((noun_id, after, principal),) = await rows(own_settings, "select noun_id, after::text, principal from audit")
    assert (noun_id, principal) == ("2026-11-20/counter", "system:ingest")
    assert '"customer"' in after
    assert "李" not in after
