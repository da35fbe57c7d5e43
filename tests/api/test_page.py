"""A cursor made by us goes round; any other text is refused, never a fault of ours."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.page import PageQuery, provide_page
from kernel.database import Tx
from kernel.errors import CursorInvalid
from kernel.job import JobCursor

times = st.datetimes(min_value=datetime.fromisoformat("2000-01-01"), timezones=st.just(UTC))


@given(times, st.uuids(), st.text(max_size=50))
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


async def test_a_page_has_twenty_items_unless_told(tx: Tx) -> None:
    assert provide_page(tx) == PageQuery(20, None)
