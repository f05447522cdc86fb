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
# Of the hash table: so empty that most keys are found at the first look.
SLOTS_PER_KEY = 4
# Odd and large: 2^64 divided by the golden ratio, and three primes of xxHash (Yann Collet).
MULTIPLIERS = tuple(map(np.uint64, (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63)))


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


def hash_ngrams(symbols: NDArray[np.uint32], longest: int, space: int) -> NDArray[np.uint32]:
    """Return hashes of the n-grams that end at each position: an array of positions x longest.

    An n-gram may begin or end with a space, but has none inside. Where there is no n-gram of a length, the hash is 0.
    The hash is polynomial in the symbols; of its 64 bits the upper half of a product (see `_hash`) is kept.
    """
    spaces = symbols == space
    values = symbols.astype(np.uint64)
    hashes = np.zeros((len(symbols), longest), dtype=np.uint32)
    hashes[:, 0] = np.where(spaces, 0, _upper_half(values))
    rolling, whole = values, np.ones(len(symbols), dtype=bool)
    for n in range(1, longest):
        longer = np.zeros_like(rolling)
        longer[1:] = rolling[:-1] * MULTIPLIERS[0] + values[1:]
        there = np.zeros(len(symbols), dtype=bool)
        there[1:] = whole[:-1] & ~spaces[:-1] if n > 1 else ~(spaces[1:] & spaces[:-1])
        there[:n] = False
        hashes[:, n] = np.where(there, _upper_half(longer), 0)
        rolling, whole = longer, there
    return hashes


def _upper_half(keys: Keys) -> NDArray[np.uint32]:
    """Hash to 32 bits, but never to 0."""
    return np.maximum(_hash(keys, MULTIPLIERS[1], np.uint64(32)), np.uint64(1)).astype(np.uint32)


class KeyIndex:
    """Where a key stands in a table: a hash table of NumPy arrays, four times as fast as a search in sorted keys.

    Keys whose place in the hash table is taken go to a second table with another hash, and so on: a few levels.
    """

    def __init__(self, table: Keys) -> None:
        """table: different keys, in any order."""
        self._table = table
        self._levels: list[tuple[np.uint64, np.uint64, NDArray[np.int32]]] = []
        left = np.arange(len(table), dtype=np.int32)
        while len(left):
            bits = max(1, (SLOTS_PER_KEY * len(left) - 1).bit_length())
            multiplier = MULTIPLIERS[len(self._levels) % len(MULTIPLIERS)] + np.uint64(2 * len(self._levels))
            places = _hash(table[left], multiplier, np.uint64(64 - bits))
            # Of keys in the same place the first stays.
            slots = np.zeros(1 << bits, dtype=np.int32)
            slots[places[::-1]] = left[::-1]
            self._levels.append((multiplier, np.uint64(64 - bits), slots))
            left = left[slots[places] != left]

    def find(self, keys: Keys) -> Rows:
        """Return the place of each key in the table, or -1."""
        found = np.full(len(keys), -1, dtype=np.int64)
        open_rows: Any = slice(None)
        for multiplier, shift, slots in self._levels:
            asked = keys[open_rows]
            places = slots[_hash(asked, multiplier, shift)]
            found[open_rows] = np.where(self._table[places] == asked, places, -1)
            open_rows = np.flatnonzero(found < 0)
        return found


def _hash(keys: Keys, multiplier: np.uint64, shift: np.uint64) -> Keys:
    """Multiplicative hashing (Knuth, volume 3, 6.4): the upper bits of the product."""
    return (keys * multiplier) >> shift


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
