"""The cache by text."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_xlt.cache import TextCache


@dataclass
class Lengths:
    """A function of texts that remembers what it was asked."""

    calls: list[list[str]] = field(default_factory=list)

    def __call__(self, texts: list[str]) -> list[int]:
        self.calls.append(texts)
        return [len(text) for text in texts]


@settings(deadline=None)
@given(st.lists(st.lists(st.text(max_size=3), max_size=8), max_size=8), st.integers(0, 5))
def test_values_are_right_and_bounded_whatever_the_size(batches: list[list[str]], size: int) -> None:
    cache: TextCache[int] = TextCache(size)
    for batch in batches:
        assert cache.compute(batch, Lengths()) == [len(text) for text in batch]
        assert len(cache) <= size


def test_a_text_is_computed_once() -> None:
    cache: TextCache[int] = TextCache(10)
    lengths = Lengths()
    assert cache.compute(["a", "bb", "a"], lengths) == [1, 2, 1]
    assert cache.compute(["ccc", "bb", "a"], lengths) == [3, 2, 1]
    assert lengths.calls == [["a", "bb"], ["ccc"]]


def test_the_function_is_not_called_for_nothing() -> None:
    cache: TextCache[int] = TextCache(10)
    lengths = Lengths()
    assert cache.compute([], lengths) == []
    cache.compute(["a"], lengths)
    cache.compute(["a", "a"], lengths)
    assert lengths.calls == [["a"]]


def test_the_text_that_was_used_longest_ago_goes_first() -> None:
    cache: TextCache[int] = TextCache(2)
    lengths = Lengths()
    cache.compute(["a"], lengths)
    cache.compute(["b"], lengths)
    cache.compute(["a"], lengths)
    cache.compute(["c"], lengths)
    lengths.calls.clear()
    cache.compute(["a", "c"], lengths)
    assert lengths.calls == []
    cache.compute(["b"], lengths)
    assert lengths.calls == [["b"]]


def test_more_texts_at_once_than_it_holds() -> None:
    cache: TextCache[int] = TextCache(2)
    texts = ["a" * n for n in range(10)]
    assert cache.compute(texts, Lengths()) == list(range(10))
    assert len(cache) == 2


def test_size_0_keeps_nothing() -> None:
    cache: TextCache[int] = TextCache(0)
    lengths = Lengths()
    for _ in range(2):
        cache.compute(["a"], lengths)
    assert lengths.calls == [["a"], ["a"]]


def test_surrogates_and_likes_are_told_apart() -> None:
    cache: TextCache[str] = TextCache(10)
    texts = ["\ud800", "\ud801", "é", "e\u0301", "", "\0", " "]
    assert cache.compute(texts, list) == texts
    assert cache.compute(texts, list) == texts


def test_clear() -> None:
    cache: TextCache[int] = TextCache(10)
    cache.compute(["a"], Lengths())
    cache.clear()
    assert len(cache) == 0
    assert cache.compute(["a"], lambda texts: [7 for _ in texts]) == [7]


def test_a_failure_leaves_nothing_behind() -> None:
    cache: TextCache[int] = TextCache(10)

    def fail(texts: list[str]) -> list[int]:
        raise RuntimeError("no weights")

    with pytest.raises(RuntimeError):
        cache.compute(["a"], fail)
    assert cache.compute(["a"], Lengths()) == [1]


def test_threads_get_right_values() -> None:
    cache: TextCache[int] = TextCache(20)
    texts = ["a" * (n % 37) for n in range(200)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda shift: cache.compute(texts[shift:], Lengths()), range(100)))
    assert answers == [[n % 37 for n in range(shift, 200)] for shift in range(100)]
    assert len(cache) <= 20


def test_a_copy_has_the_size_and_is_empty() -> None:
    cache: TextCache[int] = TextCache(10)
    cache.compute(["a"], Lengths())
    for twin in (pickle.loads(pickle.dumps(cache)), copy.deepcopy(cache)):
        assert (twin.size, len(twin)) == (10, 0)
    assert len(cache) == 1
