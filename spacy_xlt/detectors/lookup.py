"""Look up the character n-grams of many texts in a table, with array operations instead of loops over characters."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
Rows = NDArray[np.int64]

# The number of rows of weights that are added up at a time. They fit into the cache of the CPU.
CHUNK_ROWS = 8192
# The size of the hash table. With this many empty slots, most keys are found in the first table.
SLOTS_PER_KEY = 4
# Large odd numbers: 2^64 divided by the golden ratio, and three primes of xxHash (Yann Collet).
MULTIPLIERS = tuple(map(np.uint64, (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63)))


def ngram_keys(symbols: NDArray[np.uint64], longest: int, base: int) -> Keys:
    """Return the keys of the n-grams that end at each position.

    The key of an n-gram of symbols s1 ... sn is s1 * base^(n-1) + ... + sn, so different n-grams have different keys.

    Args:
        symbols: The symbols, `[positions]`, all smaller than `base`. 0 is a separator.
        longest: The maximum length of an n-gram.
        base: The base of the keys.

    Returns:
        The keys `[positions, longest]`, one column for each length. The key is 0 if there is no n-gram of this length,
        because it would begin before the first symbol or contain a separator.
    """
    keys = np.zeros((len(symbols), longest), dtype=np.uint64)
    keys[:, 0] = symbols
    whole = symbols[1:] > 0
    for n in range(1, longest):
        keys[1:, n] = np.where(whole & (keys[:-1, n - 1] > 0), keys[:-1, n - 1] * np.uint64(base) + symbols[1:], 0)
    return keys


def hash_ngrams(symbols: NDArray[np.uint32], longest: int, space: int) -> NDArray[np.uint32]:
    """Return the hashes of the n-grams that end at each position.

    An n-gram can begin or end with a space, but has none inside. The hash is a polynomial of the symbols modulo 2^64,
    of which 32 bits are kept (see `_hash`).

    Args:
        symbols: The symbols, `[positions]`.
        longest: The maximum length of an n-gram.
        space: The symbol of a space.

    Returns:
        The hashes `[positions, longest]`, one column for each length. The hash is 0 if there is no n-gram of this
        length.
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
    """Return hashes of 32 bits that are never 0."""
    return np.maximum(_hash(keys, MULTIPLIERS[1], np.uint64(32)), np.uint64(1)).astype(np.uint32)


class KeyIndex:
    """A hash table of NumPy arrays that finds the index of a key, four times as fast as a search in sorted keys.

    If two keys have the same slot, the second one goes to another hash table with another hash function, and so on.

    Args:
        table: Distinct keys, in any order.
    """

    def __init__(self, table: Keys) -> None:
        self._table = table
        self._levels: list[tuple[np.uint64, np.uint64, NDArray[np.int32]]] = []
        left = np.arange(len(table), dtype=np.int32)
        while len(left):
            bits = max(1, (SLOTS_PER_KEY * len(left) - 1).bit_length())
            multiplier = MULTIPLIERS[len(self._levels) % len(MULTIPLIERS)] + np.uint64(2 * len(self._levels))
            places = _hash(table[left], multiplier, np.uint64(64 - bits))
            # If several keys have the same slot, the first one gets it.
            slots = np.zeros(1 << bits, dtype=np.int32)
            slots[places[::-1]] = left[::-1]
            self._levels.append((multiplier, np.uint64(64 - bits), slots))
            left = left[slots[places] != left]

    def find(self, keys: Keys) -> Rows:
        """Return the index `[n]` in the table of each key `[n]`, or -1 if the table does not have the key."""
        found = np.full(len(keys), -1, dtype=np.int64)
        open_rows: Any = slice(None)
        for multiplier, shift, slots in self._levels:
            asked = keys[open_rows]
            places = slots[_hash(asked, multiplier, shift)]
            found[open_rows] = np.where(self._table[places] == asked, places, -1)
            open_rows = np.flatnonzero(found < 0)
        return found


def _hash(keys: Keys, multiplier: np.uint64, shift: np.uint64) -> Keys:
    """Return the upper bits of a product: multiplicative hashing (Knuth, volume 3, section 6.4)."""
    return (keys * multiplier) >> shift


def sum_rows(weights: NDArray[Any], rows: Rows, owners: Rows, count: int) -> NDArray[np.float32]:
    """Add up the rows of weights of each owner. The sum of an owner does not depend on the other owners.

    Args:
        weights: The weights, `[m, d]`.
        rows: The rows to add up, `[n]`.
        owners: The owner of each row, `[n]`, in ascending order.
        count: The number of owners.

    Returns:
        The sums, `[count, d]`. An owner without rows has zeros.
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
    """Split the owners into ranges with about CHUNK_ROWS rows and at least one owner each."""
    first, count = 0, len(starts) - 1
    while first < count:
        last = int(np.searchsorted(starts, starts[first] + CHUNK_ROWS, side="right")) - 1
        last = min(max(last, first + 1), count)
        yield first, last
        first = last
