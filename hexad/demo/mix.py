"""Random numbers that depend on nothing but seed, stream and index: each can be computed alone, in any order.

SplitMix64 (Steele, Lea, Flood 2014) over a counter, so that no library's generator and no chunk size has a say.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.uint64]
_GOLDEN, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


class Mix:
    """The random numbers of one seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def bits(self, stream: str, index: Whole, step: int | Whole = 0) -> Whole:
        """64 random bits per index; `step` makes a stream within the stream."""
        key = hashlib.sha256(f"{self._seed}:{stream}".encode()).digest()
        first, second = int.from_bytes(key[:8], "big"), int.from_bytes(key[8:16], "big") | 1
        z = index * np.uint64(_GOLDEN) + np.asarray(step, np.uint64) * np.uint64(second) + np.uint64(first)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(_FIRST)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(_SECOND)
        return np.asarray(z ^ (z >> np.uint64(31)), np.uint64)

    def below(self, bound: int, stream: str, index: Whole, step: int | Whole = 0) -> Whole:
        """Whole numbers from 0 to bound - 1."""
        return np.asarray(self.bits(stream, index, step) % np.uint64(bound), np.uint64)

    def uniform(self, stream: str, index: Whole, step: int | Whole = 0) -> NDArray[np.float64]:
        """Fractions from 0 to below 1."""
        return np.asarray((self.bits(stream, index, step) >> np.uint64(11)) * 2.0**-53, np.float64)

    def choice(self, weights: Sequence[float], stream: str, index: Whole, step: int | Whole = 0) -> NDArray[np.int64]:
        """Positions in `weights`, each as often as its weight says."""
        edges = np.cumsum(weights)[:-1] / sum(weights)
        return np.asarray(np.searchsorted(edges, self.uniform(stream, index, step), side="right"), np.int64)


def spread(index: Whole, size: int, multiplier: int, offset: int) -> Whole:
    """Index to a number below `size`, no two the same: the multiplier shares no factor with the size, below 2**32."""
    return np.asarray(
        (index % np.uint64(size) * np.uint64(multiplier) + np.uint64(offset)) % np.uint64(size), np.uint64
    )
