"""A cursor made by us goes round; any other text is refused, never a fault of ours."""

import base64
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.edge.page import PageQuery, encoded, provide_page
from kernel.audit.search import AuditCursor
from kernel.errors import CursorInvalid
from kernel.events.job import JobCursor
from kernel.settings import Settings
from kernel.store.cursor import Cursor, Moment, Number
from kernel.store.database import Database, Tx
from tests.brokerage import small

times = st.datetimes(min_value=datetime.fromisoformat("2000-01-01"), timezones=st.just(UTC))


@given(times, st.uuids(), st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=50))
def test_a_cursor_names_where_the_page_ended(at: datetime, event_id: UUID, handler: str) -> None:
    last = JobCursor(at, event_id, handler)
    page = PageQuery(1, None).of(["shown", "one too many"], lambda _: last)
    assert page.items == ["shown"]
    assert PageQuery(1, page.next).after(JobCursor) == last


def test_the_last_page_has_no_cursor() -> None:
    assert PageQuery(2, None).of(["a", "b"], lambda _: JobCursor()).next is None
    assert PageQuery(2, None).after(JobCursor) is None


@given(st.text(max_size=512))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(CursorInvalid):
        PageQuery(1, text + "!").after(JobCursor)


class OtherCursor(Cursor, frozen=True):
    """Of another list, with the fields of ours."""

    at: Moment
    id: Number


def told(forged: bytes) -> str:
    """As a client would carry it."""
    return base64.urlsafe_b64encode(forged).rstrip(b"=").decode()


FORGED = [
    b"{}", b'{"a":1}', b'{"at":"2026-01-01T00:00:00Z","id":1}',
    b'{"type":"OtherCursor","at":"2026-01-01T00:00:00Z","id":1}',
    b'{"type":"AuditCursor","at":"2026-01-01T00:00:00Z"}',
    b'{"type":"AuditCursor","at":"2026-01-01T00:00:00Z","id":1,"more":1}',
    b'{"type":"AuditCursor","at":"2026-01-01T00:00:00Z","id":9223372036854775808}',
    b'{"type":"AuditCursor","at":"2026-01-01T00:00:00","id":1}',
    b'{"type":"AuditCursor","at":"9999-12-31T23:59:59-10:00","id":1}',
    b'{"type":"AuditCursor","at":"2026-13-01T00:00:00Z","id":1}',
    b'{ "type":"AuditCursor","at":"2026-01-01T00:00:00Z","id":1}',
]  # fmt: skip


@pytest.mark.parametrize("forged", FORGED)
def test_a_cursor_that_was_not_made_here_is_refused(forged: bytes) -> None:
    with pytest.raises(CursorInvalid):
        PageQuery(1, told(forged)).after(AuditCursor)


def test_a_cursor_is_good_for_its_own_list_alone() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    mine, other = encoded(AuditCursor(at, 1)), encoded(OtherCursor(at, 1))
    assert PageQuery(1, mine).after(AuditCursor) == AuditCursor(at, 1)
    with pytest.raises(CursorInvalid):
        PageQuery(1, other).after(AuditCursor)


@pytest.mark.parametrize(
    ("path", "forged"),
    [
        ("customers", {"type": "AssetsCursor", "assets": 2**63, "id": 1}),
        ("customers", {"type": "AssetsCursor", "assets": 1, "id": 2**31}),
        ("customers?sort=opened", {"type": "OpenedCursor", "opened_on": "2026-02-30", "id": 1}),
        ("customers?sort=name", {"type": "NameCursor", "name": "a\0b", "id": 1}),
        ("people?sort=hired_on", {"type": "PersonCursor", "order": "hired_on", "key": "soon", "employee_no": "1"}),
        ("people", {"type": "PersonCursor", "order": "employee_no", "key": "1", "employee_no": "1"}),
        ("units", {"type": "UnitCursor", "kind": "street", "code": "1"}),
        ("sessions", {"type": "SessionCursor", "before": "1"}),
        ("sync", {"type": "SyncCursor", "reach": "", "since": -1, "day": "2026-01-01", "complete": False, "after": 0,
                  "following": 0, "following_day": "2026-01-01"}),
        *((path, {"a": 1}) for path in ("customers", "people", "units", "sessions", "sync")),
    ],
)  # fmt: skip
async def test_a_list_refuses_a_forged_cursor(
    api: httpx.AsyncClient, database: Database, own_settings: Settings, path: str, forged: dict[str, Any]
) -> None:
    house = await small(database, own_settings)
    await house.assign("1001", "administrator")
    url = httpx.URL(f"/v1/staff/{path}").copy_add_param("cursor", told(msgspec.json.encode(forged)))
    answer = await api.get(url, headers=await house.headers("1001"))
    assert (answer.status_code, answer.json()["code"]) == (400, "cursor_invalid")


async def test_a_page_has_twenty_items_unless_told(tx: Tx) -> None:
    assert provide_page(tx) == PageQuery(20, None)


async def test_a_name_of_any_characters_ends_a_page_and_begins_the_next(
    api: httpx.AsyncClient, database: Database, own_settings: Settings
) -> None:
    house = await small(database, own_settings)
    for number, letter in enumerate("\U00020000\U00020001"):
        await house.customer(f"8810000{number}", "b1", name=letter * 100)
    headers, seen, query = await house.headers("1005"), list[str](), {"limit": "1", "sort": "name"}
    while query:
        answer = await api.get("/v1/staff/customers", params=query, headers=headers)
        assert answer.status_code == 200, answer.text
        seen += [one["customer_no"] for one in answer.json()["items"]]
        following = answer.json()["next"]
        query = {**query, "cursor": following} if following else {}
    assert len(seen) == len(set(seen)) == 7
