"""One click ends e-mails of one purpose; looking at the page ends nothing; a link that is none does nothing."""

from urllib.parse import urlsplit

import httpx
import pytest

from kernel.security.crypto import Fields
from kernel.security.scope import apply_system
from kernel.settings import Settings
from kernel.store.database import Database
from notifications.consent import unsubscribe
from tests.notifications.house import House

CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
async def customer(database: Database, own_settings: Settings) -> int:
    async with database.transaction() as tx:
        house = House(tx, own_settings)
        await house.open()
        return await house.customer()


def path(settings: Settings, customer: int, purpose: str = "marketing") -> str:
    """The link as the API is asked for it."""
    parts = urlsplit(unsubscribe.link(settings, unsubscribe.token(Fields(settings), customer, purpose)))
    return f"{parts.path}?{parts.query}"


async def words(database: Database) -> list[tuple[object, ...]]:
    """What stands in force."""
    async with database.transaction() as tx:
        await apply_system(tx, "test", kind="company")
        rows = await tx.fetch(
            "select purpose, channel, topic, allowed, source from consent where ended_at is null order by id"
        )
    return [tuple(row) for row in rows]


async def test_one_click_is_enough_and_a_second_does_no_harm(
    api: httpx.AsyncClient, database: Database, own_settings: Settings, customer: int
) -> None:
    link = path(own_settings, customer)
    for _ in range(2):
        answer = await api.post(link, data=CLICK)
        assert answer.status_code == 200
        assert "no more e-mails with offers and news" in answer.text
    assert await words(database) == [("marketing", "email", "", False, "link")]


async def test_looking_at_the_page_ends_nothing_and_its_button_does(
    api: httpx.AsyncClient, database: Database, own_settings: Settings, customer: int
) -> None:
    link = path(own_settings, customer, "service")
    page = await api.get(link)
    assert page.status_code == 200
    assert '<form method="post"><button>No more of these</button></form>' in page.text
    assert "script" not in page.text
    assert "form-action 'self'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert await words(database) == []
    assert (await api.post(link)).status_code == 200
    assert await words(database) == [("service", "email", "", False, "link")]


async def test_the_page_speaks_chinese(api: httpx.AsyncClient, own_settings: Settings, customer: int) -> None:
    page = await api.get(path(own_settings, customer), headers={"Accept-Language": "zh-CN"})
    assert "确定不再接收营销与资讯类邮件吗" in page.text
    assert page.headers["content-language"] == "zh"


@pytest.mark.parametrize("token", ["", "x", "A" * 1000, "%00", "..%2F", "' or 1=1"])
async def test_a_link_that_is_none_is_said_and_does_nothing(
    api: httpx.AsyncClient, database: Database, customer: int, token: str
) -> None:
    for answer in (
        await api.get(f"{unsubscribe.PATH}?token={token}"),
        await api.post(f"{unsubscribe.PATH}?token={token}"),
    ):
        assert answer.status_code in (400, 404)
    assert await words(database) == []
