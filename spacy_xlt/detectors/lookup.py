"""Character n-grams of many texts at once, looked up in a table of keys: array work instead of a loop over characters.

An n-gram of symbols s1..sn (numbers below BASE, none is 0) is the number s1 * BASE^(n-1) + ... + sn, so no two of them
share a key.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
Rows = NDArray[np.int64]

# So many rows of weights are gathered at a time: they stay in the processor's cache.
CHUNK_ROWS = 8192


def ngram_keys(symbols: NDArray[np.uint64], longest: int, base: int) -> Keys:
    """Return the keys of the n-grams that end at each position: an array of positions x longest.

    Where there is no n-gram of a length, because it would begin before the first symbol or hold a 0, the key is 0.
    """
    keys = np.zeros((len(symbols), longest), dtype=np.uint64)
    keys[:, 0] = symbols
    whole = symbols[1:] > 0
    for n in range(1, longest):
        keys[1:, n] = np.where(whole & (keys[:-1, n - 1] > 0), keys[:-1, n - 1] * np.uint64(base) + symbols[1:], 0)
    return keys


def find_keys(table: Keys, keys: Keys) -> Rows:
    """Return the place of each key in the sorted table, or -1."""
    places = np.searchsorted(table, keys)
    places[places == len(table)] = 0
    return np.where(table[places] == keys, places, -1)


def sum_rows(weights: NDArray[Any], rows: Rows, owners: Rows, count: int) -> NDArray[np.float32]:
    """Return for each of `count` owners the sum of its rows of weights; owners are in ascending order.

    The sum of an owner does not depend on what else is in the batch.
    """
    sums = np.zeros((count, weights.shape[1]), dtype=np.float32)
    starts = np.searchsorted(owners, np.arange(count + 1))
    for first, last in _chunks(starts):
        present = first + np.flatnonzero(np.diff(starts[first : last + 1]))
        if len(present):
            inside = weights[rows[starts[first] : starts[last]]].astype(np.float32, copy=False)
            sums[present] = np.add.reduceat(inside, starts[present] - starts[first], axis=0)
    return sums


def _chunks(starts: Rows) -> Iterator[tuple[int, int]]:
    """Cut the owners so that each piece has about CHUNK_ROWS rows, and at least one owner."""
    first, count = 0, len(starts) - 1
    while first < count:
        last = int(np.searchsorted(starts, starts[first] + CHUNK_ROWS, side="right")) - 1
        last = min(max(last, first + 1), count)
        yield first, last
        first = last
