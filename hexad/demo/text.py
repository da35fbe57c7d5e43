"""Columns of text made from columns of numbers: padded numbers, names, identity and mobile numbers, dates."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from hexad.demo import words
from hexad.demo.mix import Mix, Whole, spread

Days = NDArray[np.datetime64]
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_BIRTH_FIRST, _BIRTH_DAYS = np.datetime64("1941-01-01"), 24_000
_MOBILES, _NUMBERS = len(words.MOBILES) * 10**8, 10**8


def digits(numbers: Whole, width: int, prefix: str = "") -> pa.Array:
    """Numbers with leading zeros."""
    padded = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), width, "0")
    return joined(prefix, padded) if prefix else padded


def taken(options: Sequence[str], positions: NDArray[np.integer]) -> pa.Array:
    """One option per position."""
    return pa.array(options, pa.string()).take(pa.array(positions))


def joined(*parts: pa.Array | str) -> pa.Array:
    """The parts of each row, one after the other."""
    return pc.binary_join_element_wise(*[pa.scalar(one) if isinstance(one, str) else one for one in parts], "")


def where(condition: NDArray[np.bool_], then: pa.Array, other: pa.Array | None = None) -> pa.Array:
    """One of two values per row; the other is null where there is none."""
    return pc.if_else(pa.array(condition), then, pa.scalar(None, then.type) if other is None else other)


def days(dates: Days, known: NDArray[np.bool_] | None = None) -> pa.Array:
    """Dates, null where they are not known."""
    return pa.array(dates.astype("datetime64[D]"), pa.date32(), mask=None if known is None else ~known)


def person(mix: Mix, stream: str, index: Whole, female: NDArray[np.bool_]) -> pa.Array:
    """Chinese names: family names by their frequency, one or two characters given."""
    weights = [1 / (rank + 3) for rank in range(len(words.FAMILY))]
    family = taken(words.FAMILY, mix.choice(weights, f"{stream}.family", index))
    given = [_given(mix, f"{stream}.given{place}", index, female) for place in (1, 2)]
    return joined(
        family, given[0], where(mix.uniform(f"{stream}.two", index) < 0.78, given[1], pa.array([""] * len(index)))
    )


def _given(mix: Mix, stream: str, index: Whole, female: NDArray[np.bool_]) -> pa.Array:
    both = (words.FEMALE, words.MALE)
    hers, his = (taken(one, mix.below(len(one), stream, index)) for one in both)
    return where(female, hers, his)


def firm(mix: Mix, index: Whole) -> pa.Array:
    """Names of companies."""
    parts = [taken(words.FIRM_WORDS, mix.below(len(words.FIRM_WORDS), f"firm{place}", index)) for place in (1, 2)]
    city = taken(words.CITIES, mix.below(len(words.CITIES), "firm.city", index))
    trade = taken(words.FIRMS, mix.below(len(words.FIRMS), "firm.trade", index))
    return joined(city, *parts, trade, "有限公司")


def mobile(index: Whole) -> pa.Array:
    """Mobile numbers, no two the same."""
    number = spread(index, _MOBILES, 2_654_435_761, 1_357_924_680)
    return joined(taken(words.MOBILES, number // np.uint64(_NUMBERS)), digits(number % np.uint64(_NUMBERS), 8))


def identity(index: Whole) -> tuple[pa.Array, Days, NDArray[np.bool_]]:
    """Identity numbers, no two the same, with their birthday and whether they are a woman's."""
    size = _BIRTH_DAYS * len(words.AREAS) * 1000
    number = spread(index, size, 2_654_435_761, 77_777_777)
    sequence, rest = number % np.uint64(1000), number // np.uint64(1000)
    area, birth = rest % np.uint64(len(words.AREAS)), rest // np.uint64(len(words.AREAS))
    born = _BIRTH_FIRST + birth.astype("timedelta64[D]")
    place = np.array(words.AREAS, np.uint64)[area.astype(np.int64)]
    seventeen = (place * np.uint64(10**8) + _compact(born)) * np.uint64(1000) + sequence
    return joined(digits(seventeen, 17), _check_digit(seventeen)), born, sequence % np.uint64(2) == 0


def _compact(dates: Days) -> Whole:
    """Dates as numbers, 19800131."""
    months = dates.astype("datetime64[M]")
    year = dates.astype("datetime64[Y]").astype(np.int64) + 1970
    month = months.astype(np.int64) % 12 + 1
    day = (dates - months).astype(np.int64) + 1
    return np.asarray(year * 10_000 + month * 100 + day, np.uint64)


def _check_digit(seventeen: Whole) -> pa.Array:
    """The last place of an identity number by GB 11643."""
    total, rest = np.zeros(len(seventeen), np.uint64), seventeen
    for weight in reversed(_WEIGHTS):
        total += rest % np.uint64(10) * np.uint64(weight)
        rest = rest // np.uint64(10)
    return taken(tuple("10X98765432"), total % np.uint64(11))
