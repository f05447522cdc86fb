"""n-grams as keys, and sums of rows, against the same done by hand."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_xlt.detectors import lookup
from spacy_xlt.detectors.lookup import KeyIndex, hash_ngrams, ngram_keys, sum_rows

BASE = 10


@settings(deadline=None)
@given(st.lists(st.integers(0, BASE - 1), max_size=12), st.integers(1, 5))
def test_ngram_keys(symbols: list[int], longest: int) -> None:
    found = ngram_keys(np.array(symbols, dtype=np.uint64), longest, BASE)
    for end in range(len(symbols)):
        for n in range(1, longest + 1):
            gram = symbols[end + 1 - n : end + 1] if end + 1 >= n else [0]
            expected = 0 if 0 in gram else int("".join(map(str, gram)))
            assert found[end, n - 1] == expected


@settings(deadline=None)
@given(st.lists(st.sampled_from([32, 97, 98, 99]), max_size=12), st.integers(1, 5))
def test_hash_ngrams_has_no_space_inside(symbols: list[int], longest: int) -> None:
    space = 32
    found = hash_ngrams(np.array(symbols, dtype=np.uint32), longest, space)
    hash_of: dict[tuple[int, ...], int] = {}
    for end in range(len(symbols)):
        for n in range(1, longest + 1):
            gram = tuple(symbols[end + 1 - n : end + 1])
            whole = end + 1 >= n and space not in gram[1:-1] and set(gram) != {space}
            assert (found[end, n - 1] > 0) == whole
            # The same n-gram has the same hash everywhere, and no other has it.
            assert not whole or hash_of.setdefault(gram, found[end, n - 1]) == found[end, n - 1]
    assert len(set(hash_of.values())) == len(hash_of)


@given(st.sets(st.integers(0, 2**63)), st.lists(st.integers(0, 2**63)), st.sampled_from([1, 4]))
def test_key_index(table: set[int], keys: list[int], slots: int) -> None:
    there = sorted(table)
    before, lookup.SLOTS_PER_KEY = lookup.SLOTS_PER_KEY, slots
    try:
        index = KeyIndex(np.array(there, dtype=np.uint64))
    finally:
        lookup.SLOTS_PER_KEY = before
    found = index.find(np.array([*keys, *there], dtype=np.uint64))
    assert found.tolist() == [there.index(key) if key in table else -1 for key in keys] + list(range(len(there)))


def test_key_index_of_many_keys_that_collide() -> None:
    keys = np.arange(100_000, dtype=np.uint64) << np.uint64(32)
    index = KeyIndex(keys[::2])
    assert (index.find(keys[::2]) == np.arange(50_000)).all()
    assert (index.find(keys[1::2]) == -1).all()


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 6), max_size=9), max_size=12), st.sampled_from([1, 3, 10_000]))
def test_sum_rows(rows: list[list[int]], chunk: int) -> None:
    weights = np.arange(21, dtype=np.float32).reshape(7, 3)
    flat = np.array([row for own in rows for row in own], dtype=np.int64)
    owners = np.repeat(np.arange(len(rows)), [len(own) for own in rows])
    before, lookup.CHUNK_ROWS = lookup.CHUNK_ROWS, chunk
    try:
        found = sum_rows(weights, flat, owners, len(rows))
    finally:
        lookup.CHUNK_ROWS = before
    assert found.tolist() == [weights[own].sum(axis=0).tolist() for own in rows]
