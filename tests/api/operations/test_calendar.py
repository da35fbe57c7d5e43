"""Everybody reads the trading calendar; an administrator corrects a day, and two who do so at once are told."""

import httpx

from kernel.store.database import Database
from tests.api.conftest import SignIn

DAY = "/v1/staff/calendar/2026-11-23"


async def test_the_days_of_a_week_say_when_the_market_is_open(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    answer = await api.get(
        "/v1/staff/calendar", params={"from": "2026-09-30", "to": "2026-10-08"}, headers=await sign_in("broker")
    )
    open_days = [item["day"] for item in answer.json()["items"] if item["open"]]
    assert open_days == ["2026-09-30", "2026-10-08"]
    assert answer.json()["items"][0]["sessions"][1]["opens"] == "2026-09-30T13:00:00+08:00"


async def test_an_investor_reads_it_with_a_token_of_investors_only(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    investor = await sign_in("investor", audience="investor", subject="C1")
    assert (await api.get("/v1/investor/calendar", headers=investor)).status_code == 200
    assert (await api.get("/v1/staff/calendar", headers=investor)).status_code == 401


async def test_a_correction_needs_the_version_that_was_read(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    headers = await sign_in()
    read = await api.get(DAY, headers=headers)
    assert (read.headers["etag"].partition(".")[0], read.json()["open"]) == ('"0', True)
    without = await api.put(DAY, json={"open": False}, headers=headers)
    assert (without.status_code, without.json()["code"]) == (428, "version_required")
    corrected = await api.put(DAY, json={"open": False, "note": "storm"}, headers={**headers, "If-Match": '"0"'})
    assert (corrected.status_code, corrected.json()["open"], corrected.json()["source"]) == (200, False, "override")
    assert (await api.get(DAY, headers={**headers, "If-None-Match": corrected.headers["etag"]})).status_code == 304


async def test_the_slower_of_two_is_told_which_fields_collide(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    headers = await sign_in()
    first = await api.put(DAY, json={"open": False, "note": "storm"}, headers={**headers, "If-Match": '"0"'})
    tag = first.headers["etag"]
    await api.put(DAY, json={"open": False, "note": "typhoon"}, headers={**headers, "If-Match": tag})
    slower = await api.put(DAY, json={"open": True, "note": "calm"}, headers={**headers, "If-Match": f"W/{tag}"})
    assert (slower.status_code, slower.json()["code"]) == (412, "version_conflict")
    assert [error["field"] for error in slower.json()["errors"]] == ["note"]


async def test_a_correction_is_taken_back(api: httpx.AsyncClient, sign_in: SignIn, database: Database) -> None:
    headers = await sign_in()
    made = await api.put(DAY, json={"open": False}, headers={**headers, "If-Match": '"0"'})
    back = await api.delete(DAY, headers={**headers, "If-Match": made.headers["etag"]})
    assert (back.status_code, back.json()["open"], back.headers["etag"][:3]) == (200, True, '"0.')
    async with database.transaction() as tx:
        actions = [row[0] for row in await tx.fetch("select action from audit order by id")]
        assert await tx.fetchval("select count(*) from outbox where kind = 'TradingDayChanged'") == 2
    assert actions == ["override", "remove_override"]


async def test_a_version_of_a_correction_that_was_taken_back_is_no_longer_good(
    api: httpx.AsyncClient, sign_in: SignIn
) -> None:
    headers = await sign_in()
    old = await api.put(DAY, json={"open": False}, headers={**headers, "If-Match": '"0"'})
    await api.delete(DAY, headers={**headers, "If-Match": old.headers["etag"]})
    await api.put(DAY, json={"open": False, "note": "again"}, headers={**headers, "If-Match": '"0"'})
    late = await api.put(DAY, json={"open": True}, headers={**headers, "If-Match": old.headers["etag"]})
    assert late.status_code == 412


async def test_bad_days_and_bodies_are_refused_by_field(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    headers = {**await sign_in(), "If-Match": '"0"'}
    assert (await api.get("/v1/staff/calendar/1900-01-01", headers=headers)).status_code == 400
    assert (await api.get("/v1/staff/calendar/tomorrow", headers=headers)).status_code in (400, 404)
    too_many = await api.get("/v1/staff/calendar", params={"from": "2020-01-01", "to": "2026-01-01"}, headers=headers)
    assert too_many.status_code == 400
    unknown = await api.put(DAY, json={"open": True, "colour": "red"}, headers=headers)
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (400, "colour")
    wrong = await api.put(DAY, json={"open": "yes"}, headers={**headers, "Accept-Language": "zh-CN,zh;q=0.9"})
    assert (wrong.json()["title"], wrong.json()["errors"][0]["field"]) == ("输入无效", "open")
    parameter = await api.get("/v1/staff/calendar", params={"from": "x"}, headers=headers)
    assert parameter.json()["errors"][0]["field"] == "from"
    control = await api.put(DAY, json={"open": True, "note": "a\u001bb"}, headers=headers)
    assert control.json()["errors"][0]["message"] == "holds a character that cannot be seen, such as a line break"
    coerced = await api.put(DAY, json={"open": "true"}, headers=headers)
    assert coerced.status_code == 400
    long = await api.put(DAY, json={"open": True, "note": "x" * 201}, headers=headers)
    assert long.json()["errors"][0]["field"] == "note"
