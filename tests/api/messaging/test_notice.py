"""Somebody reads what they were told, page by page, and ticks it off on any device."""

import httpx
import pytest

from kernel.security.scope import Audience, apply_system
from kernel.store.database import Database
from notifications.inbox import notice
from tests.api.conftest import SignIn


async def told(database: Database, audience: Audience, subject: str, titles: list[str]) -> None:
    """Gives somebody these notices."""
    async with database.transaction() as tx:
        await apply_system(tx, "test")
        for title in titles:
            await notice.give(tx, audience, subject, "care", title, "body", "/somewhere", english=None)


@pytest.mark.parametrize(("audience", "role"), [("staff", "broker"), ("investor", "investor")])
async def test_notices_are_read_page_by_page_and_ticked_off(
    api: httpx.AsyncClient, database: Database, sign_in: SignIn, audience: Audience, role: str
) -> None:
    headers, url = await sign_in(role, audience, "1001"), f"/v1/{audience}/notices"
    await told(database, audience, "1001", ["one", "two", "three"])
    await told(database, audience, "1002", ["not yours"])
    first = (await api.get(url, params={"limit": 2}, headers=headers)).json()
    rest = (await api.get(url, params={"limit": 2, "cursor": first["next"]}, headers=headers)).json()
    assert [one["title"] for one in first["items"] + rest["items"]] == ["three", "two", "one"]
    assert rest["next"] is None
    assert (await api.get(f"{url}/unread", headers=headers)).json() == {"unread": 3}
    three, two = first["items"]
    read = await api.put(f"{url}/{three['id']}/read", headers=headers)
    assert (read.status_code, read.json()["read_at"] is None) == (200, False)
    assert (await api.put(f"{url}/read", json={"last": two["id"]}, headers=headers)).status_code == 204
    assert (await api.get(f"{url}/unread", headers=headers)).json() == {"unread": 0}
    assert (await api.get(url, params={"unread": "true"}, headers=headers)).json()["items"] == []


async def test_another_ones_notice_is_not_there(api: httpx.AsyncClient, database: Database, sign_in: SignIn) -> None:
    await told(database, "staff", "1002", ["not yours"])
    theirs = (await api.get("/v1/staff/notices", headers=await sign_in("broker", "staff", "1002"))).json()["items"][0]
    mine = await sign_in("broker", "staff", "1001")
    assert (await api.put(f"/v1/staff/notices/{theirs['id']}/read", headers=mine)).status_code == 404
    ticked = await api.put("/v1/staff/notices/read", json={"last": theirs["id"]}, headers=mine)
    assert ticked.status_code == 404
    answer = await api.get("/v1/staff/notices/unread", headers=await sign_in("broker", "staff", "1002"))
    assert answer.json() == {"unread": 1}


async def test_what_the_house_tells_is_read_in_the_readers_language(
    api: httpx.AsyncClient, database: Database, sign_in: SignIn
) -> None:
    headers = await sign_in("broker", "staff", "1001")
    async with database.transaction() as tx:
        await apply_system(tx, "test")
        await notice.give(tx, "staff", "1001", "task", "新任务", "请回访", english=("New task", "Call"))
    for language, said in (("en", ("New task", "Call")), ("zh", ("新任务", "请回访"))):
        asked = headers | {"Accept-Language": language}
        (one,) = (await api.get("/v1/staff/notices", headers=asked)).json()["items"]
        assert (one["title"], one["body"]) == said
        read = (await api.put(f"/v1/staff/notices/{one['id']}/read", headers=asked)).json()
        assert (read["title"], read["body"]) == said
