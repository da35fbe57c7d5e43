"""The trading calendar: read by everybody, corrected by administrators."""

from datetime import date
from typing import Annotated

from litestar import Router, delete, put
from litestar.params import FromPath, JSONBody, QueryParameter

from api.edge.answer import Answer, expected_version, versioned
from api.edge.dependencies import Tx
from api.edge.identify import may
from api.edge.reading import get
from api.edge.request import HttpRequest
from kernel.calendar import days, trading_day
from mobile_contracts.base import Page
from mobile_contracts.operations.calendar import TradingDay, TradingDayChange

_TO = f"last day, {days.MOST_DAYS} days at most; `from` when left out"
First = Annotated[date | None, QueryParameter(name="from", description="first day; today when left out")]
Last = Annotated[date | None, QueryParameter(name="to", description=_TO)]


async def _list_days(tx: Tx, first: date | None, last: date | None) -> Page[TradingDay]:
    first = first or days.today()
    return Page(await trading_day.list_range(tx, first, last or first))


@get("/calendar", guards=[may("calendar.read")], summary="Days of the trading calendar")
async def list_days(tx: Tx, first: First = None, last: Last = None) -> Page[TradingDay]:
    """Whether each day is a trading day, and its sessions."""
    return await _list_days(tx, first, last)


@get("/calendar", guards=[may("calendar.read")], summary="Days of the trading calendar")
async def list_days_for_investor(tx: Tx, first: First = None, last: Last = None) -> Page[TradingDay]:
    """Whether each day is a trading day, and its sessions."""
    return await _list_days(tx, first, last)


@get("/calendar/{day:date}", guards=[may("calendar.read")], summary="One day of the trading calendar")
async def read_day(tx: Tx, day: FromPath[date]) -> Answer[TradingDay]:
    """The day, and whether the package or somebody says so."""
    found = await trading_day.find(tx, day)
    return versioned(found, found.version)


@put("/calendar/{day:date}", guards=[may("calendar.change")], opt={"versioned": True}, summary="Override one day")
async def override_day(
    request: HttpRequest, tx: Tx, day: FromPath[date], data: JSONBody[TradingDayChange]
) -> Answer[TradingDay]:
    """Says whether the market is open on the day, whatever the package says; needs If-Match."""
    before = await trading_day.check_override(tx, day, expected_version(request), data)
    after = await trading_day.do_override(tx, before, day, data)
    return versioned(after, after.version)


@delete(
    "/calendar/{day:date}",
    guards=[may("calendar.change")],
    opt={"versioned": True},
    status_code=200,
    summary="Take the override of a day back",
)
async def remove_override(request: HttpRequest, tx: Tx, day: FromPath[date]) -> Answer[TradingDay]:
    """The package speaks again for the day; needs If-Match."""
    before = await trading_day.check_override(tx, day, expected_version(request))
    after = await trading_day.do_remove(tx, before) if before else await trading_day.find(tx, day)
    return versioned(after, after.version)


staff = Router("", route_handlers=[list_days, read_day, override_day, remove_override], tags=["Calendar"])
investor = Router("", route_handlers=[list_days_for_investor], tags=["Calendar"])
