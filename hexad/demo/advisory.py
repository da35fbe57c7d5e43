"""What the advisory platform delivers: its products, who has contracts, who answered a questionnaire that day."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hexad.demo import text
from hexad.demo.brokerage import Brokerage
from hexad.demo.customers import Customers
from hexad.demo.mix import Whole
from hexad.demo.text import Days, digits, joined, taken, where

PRODUCTS = 24
"""How many products there are."""

_CATEGORIES = ("financial", "information", "advisory")
_KINDS = ("product", "service", "advisory", "trial")
_NAMES = ("稳健", "价值", "成长", "红利", "量化", "行业", "趋势", "固收")
_ENDS = ("理财计划", "资讯套餐", "投顾组合")
_PRICES = ("0.0000", "98.0000", "365.0000", "1200.0000", "6800.0000")
_PERIODS = (30, 90, 180, 365)
_TRIAL_DAYS = 30
_SHARES = (0.05, 0.012)
"""Shares of the customers who have a first and a second contract."""

_ANSWERED_DAYS = 730
_NEVER = np.datetime64("NaT", "D")


def product_codes(index: Whole) -> pa.Array:
    """Codes of products."""
    return digits(index + np.uint64(1), 4, "AP")


def product(brokerage: Brokerage, number: int) -> pa.Table:
    """Rows of the feed `product`: some are off, some change their price or go off on one of the days."""
    index = np.arange(PRODUCTS, dtype=np.uint64)
    mix, small = brokerage.mix, index.astype(np.int64)
    changed, _ = brokerage.latest("product.changed", 0.05, index, number)
    off = (mix.uniform("product.off", index) < 0.08) | (
        (changed > 0) & (mix.uniform("product.withdrawn", index, changed) < 0.3)
    )
    price = taken(_PRICES, mix.below(len(_PRICES), "product.price", index, changed)).cast(pa.decimal128(12, 4))
    return pa.table(
        {
            "product_code": product_codes(index),
            "name": joined(taken(_NAMES, small // 3), taken(_ENDS, small % 3)),
            "category": taken(_CATEGORIES, small % 3),
            "risk_level": pa.array(small % 5 + 1, pa.int8()),
            "price": where(small % 7 != 6, price),
            "period_days": pa.array(_periods(index), pa.int32(), mask=small % 8 == 7),
            "status": taken(("on", "off"), off.astype(np.int64)),
        }
    )


def _periods(index: Whole) -> NDArray[np.int64]:
    """Days that a contract on each product lasts."""
    return np.array(_PERIODS)[(index % np.uint64(len(_PERIODS))).astype(np.int64)]


def contract(customers: Customers) -> pa.Table:
    """Rows of the feed `contract`: signed before the first day or on one of them, some ended, some on trial."""
    return pa.concat_tables([_contracts(customers, place, share) for place, share in enumerate(_SHARES)])


def _contracts(customers: Customers, place: int, share: float) -> pa.Table:
    mix, index, stream = customers.mix, customers.index, f"contract{place}"
    signed = _signed(customers, stream)
    has = (mix.uniform(stream, index) < share) & (signed <= customers.today)
    has &= np.isnat(customers.closed) | (signed < customers.closed)
    chosen = mix.below(PRODUCTS, f"{stream}.product", index)
    trial = mix.uniform(f"{stream}.trial", index) < 0.1
    ended = _ended(customers, stream, signed, np.where(trial, _TRIAL_DAYS, _periods(chosen)))
    chosen, ended, trial = chosen[has], ended[has], trial[has]
    kind = np.where(trial, 3, (chosen % np.uint64(3)).astype(np.int64))
    return pa.table(
        {
            "contract_no": digits(index[has] + np.uint64(1), 9, f"K{place + 1}"),
            "customer_no": customers.customer_no.filter(pa.array(has)),
            "product_code": product_codes(chosen),
            "kind": taken(_KINDS, kind),
            "signed_on": text.days(signed[has]),
            "ended_on": text.days(ended, ~np.isnat(ended)),
        }
    )


def _signed(customers: Customers, stream: str) -> Days:
    mix, index, days = customers.mix, customers.index, customers.days
    before = days[0] - mix.below(500, f"{stream}.signed", index).astype("timedelta64[D]")
    during = days[mix.below(len(days), f"{stream}.day", index).astype(np.int64)]
    return np.maximum(np.where(mix.uniform(f"{stream}.late", index) < 0.05, during, before), customers.opened)


def _ended(customers: Customers, stream: str, signed: Days, periods: NDArray[np.int64]) -> Days:
    """At the end of the period, earlier where it was cancelled or the customer closed; some go on until cancelled."""
    endless = customers.mix.uniform(f"{stream}.endless", customers.index) < 0.4
    ended = np.where(endless, _NEVER, signed + periods.astype("timedelta64[D]"))
    half = signed + (periods // 2).astype("timedelta64[D]")
    early = (customers.mix.uniform(f"{stream}.cancelled", customers.index) < 0.1) & (half <= customers.today)
    return np.asarray(np.fmin(np.where(early, half, ended), customers.closed))


def questionnaire(customers: Customers) -> pa.Table:
    """Rows of the feed `questionnaire`: whoever was assessed on this day; some answers expire soon, or at once."""
    mix, today = customers.mix, customers.today
    has = customers.assessed & (customers.assessed_on == today)
    index, level = customers.index[has], customers.level[has]
    lasting = mix.choice((0.85, 0.12, 0.03), "questionnaire.lasts", index)
    soon = mix.below(30, "questionnaire.soon", index).astype(np.int64) + 1
    days = np.choose(lasting, [np.full(len(index), _ANSWERED_DAYS), soon, np.zeros(len(index), np.int64)])
    second = mix.below(7 * 3600, "questionnaire.time", index).astype(np.int64) + 9 * 3600
    score = level * 20 - mix.below(20, "questionnaire.score", index).astype(np.int64)
    return pa.table(
        {
            "customer_no": customers.customer_no.filter(pa.array(has)),
            "time": _clock(second),
            "score": pa.array(score, pa.int16()),
            "risk_level": pa.array(level, pa.int8()),
            "expires_on": text.days(today + days.astype("timedelta64[D]")),
        }
    )


def _clock(second: NDArray[np.int64]) -> pa.Array:
    """Seconds of the day as `HH:MM:SS`."""
    parts = [digits(part.astype(np.uint64), 2) for part in (second // 3600, second // 60 % 60, second % 60)]
    return joined(parts[0], ":", parts[1], ":", parts[2])
