"""Bilingual lexicon induction."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from spacy_xlt.alignment.retrieval import nearest, neighborhood_similarity
from spacy_xlt.errors import XltError
from spacy_xlt.evaluation import lexicon
from spacy_xlt.evaluation.lexicon import induce_lexicon, lexicon_figures, ranks, translations

Floats = NDArray[np.float32]


def rows(n: int, seed: int, width: int = 8) -> Floats:
    return np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32)


def cosines(x: Floats, y: Floats) -> NDArray[np.float64]:
    lengths = np.linalg.norm(x, axis=1)[:, None] * np.linalg.norm(y, axis=1)
    return x.astype(np.float64) @ y.T.astype(np.float64) / lengths


def naive_csls(x: Floats, y: Floats, k: int) -> NDArray[np.float64]:
    """Conneau et al. 2018, equation 4, word for word."""
    similarity = cosines(x, y)
    r_x = np.sort(similarity, axis=1)[:, -k:].mean(axis=1)
    r_y = np.sort(similarity, axis=0)[-k:].mean(axis=0)
    return 2 * similarity - r_x[:, None] - r_y


def naive_ranks(scores: NDArray[np.float64], gold: list[list[int]]) -> list[int]:
    return [min(list(np.argsort(-row)).index(key) for key in right) + 1 for row, right in zip(scores, gold)]


@settings(deadline=None)
@given(st.integers(0, 999), st.integers(1, 9), st.integers(1, 30))
def test_ranks_are_those_of_the_full_sort(seed: int, n: int, m: int) -> None:
    x, y = rows(n, seed), rows(m, seed + 1)
    chance = np.random.default_rng(seed)
    gold = [sorted(chance.choice(m, size=chance.integers(1, m + 1), replace=False)) for _ in range(n)]
    right = [np.array(keys) for keys in gold]
    assert ranks(x, y, right).tolist() == naive_ranks(cosines(x, y), gold)
    k = min(10, n, m)
    similarity = neighborhood_similarity(y, x, k)
    assert ranks(x, y, right, similarity).tolist() == naive_ranks(naive_csls(x, y, k), gold)


def test_the_first_is_what_retrieval_finds_and_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = rows(50, 1), rows(70, 2)
    gold = [np.array([key]) for key in nearest(x, y, 3, metric="csls")[0][:, 2]]
    similarity = neighborhood_similarity(y, x)
    assert ranks(x, y, gold, similarity).tolist() == [3] * 50
    monkeypatch.setattr(lexicon, "BLOCK", 100)
    assert ranks(x, y, gold, similarity).tolist() == [3] * 50


def test_vectors_that_are_all_alike_find_nothing() -> None:
    gold = [np.array([0]), np.array([1, 2])]
    for x in (np.ones((3, 2), dtype=np.float32), np.zeros((3, 2), dtype=np.float32)):
        assert ranks(x[:2], x, gold).tolist() == [3, 2]


def test_lengths_do_not_count() -> None:
    x, y = rows(5, 1), rows(9, 2)
    gold = [np.array([i]) for i in range(5)]
    assert ranks(x, y, gold).tolist() == ranks(7 * x, y * np.arange(1, 10, dtype=np.float32)[:, None], gold).tolist()


def test_translations_join_the_pairs_of_a_word() -> None:
    queries, gold = translations([(4, 1), (2, 0), (4, 0), (4, 1)])
    assert queries.tolist() == [4, 2] and [right.tolist() for right in gold] == [[1, 0], [0]]


def test_figures_by_hand() -> None:
    assert lexicon_figures(np.array([1, 2, 10, 20])) == {
        "p@1": 0.25,
        "p@5": 0.5,
        "p@10": 0.75,
        "mrr": (1 + 0.5 + 0.1 + 0.05) / 4,
    }


def test_a_hub_that_csls_takes_down() -> None:
    """Key 2 is the nearest of both queries by cosine; it is near to everything, so CSLS finds the right ones."""
    x = np.array([[1.0, 0.0], [0.0, 1.0], [0.7, 0.7]], dtype=np.float32)
    y = np.array([[0.5, -0.87], [-0.87, 0.5], [0.7, 0.7]], dtype=np.float32)
    figures = induce_lexicon(x, y, [(0, 0), (1, 1)])
    assert figures["words"] == 2
    assert figures["cosine"]["p@1"] == 0.0 and figures["csls"]["p@1"] == 1.0
    # Among the neighbors that lie near the hub alone it has no reason to be taken down.
    assert induce_lexicon(x, y, [(0, 0), (1, 1)], neighbors=y[:2])["csls"]["p@1"] == 0.0


@pytest.mark.parametrize(
    ("gold", "similarity", "message"),
    [
        ([[0]], None, r"2 queries .* 1 queries"),
        ([[0], []], None, r"2 queries .* 2 queries"),
        ([[0], [1]], [0.5], r"key_similarity .*\(1,\).* 3 keys"),
    ],
)
def test_numbers_that_do_not_fit(gold: list[list[int]], similarity: list[float] | None, message: str) -> None:
    right = [np.array(keys, dtype=np.int64) for keys in gold]
    with pytest.raises(XltError, match=message):
        ranks(rows(2, 1), rows(3, 2), right, None if similarity is None else np.array(similarity, dtype=np.float32))


def test_no_pair() -> None:
    with pytest.raises(XltError, match="no word"):
        induce_lexicon(rows(2, 1), rows(3, 2), [])
