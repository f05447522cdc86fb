"""Retrieval: the same as the formulas computed naively, whatever the tiles."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import Floats
from spacy_xlt.alignment.retrieval import (
    hubness,
    mean_csls,
    mutual_nearest,
    nearest,
    neighborhood_similarity,
    scored_mutual_nearest,
)
from spacy_xlt.errors import XltError

Doubles = NDArray[np.float64]
TOLERANCE = 2e-5


def rows(n: int, width: int = 5, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32)


def naive_cosines(x: Floats, y: Floats) -> Doubles:
    result = np.zeros((len(x), len(y)))
    for i, a in enumerate(x.astype(np.float64)):
        for j, b in enumerate(y.astype(np.float64)):
            lengths = np.linalg.norm(a) * np.linalg.norm(b)
            result[i, j] = a @ b / lengths if lengths else 0.0
    return result


def naive_csls(x: Floats, y: Floats, neighborhood: int = 10) -> Doubles:
    cosines = naive_cosines(x, y)
    r_x = [np.mean(sorted(row)[-neighborhood:]) for row in cosines]
    r_y = [np.mean(sorted(column)[-neighborhood:]) for column in cosines.T]
    return np.array([[2 * cosines[i, j] - r_x[i] - r_y[j] for j in range(len(y))] for i in range(len(x))])


def assert_best(indices: NDArray[np.int64], scores: Floats, naive: Doubles) -> None:
    """The scores are the best of each row in order, and stand where the indices say, each place once."""
    k = indices.shape[1]
    np.testing.assert_allclose(scores, -np.sort(-naive, axis=1)[:, :k], atol=TOLERANCE)
    np.testing.assert_allclose(scores, np.take_along_axis(naive, indices, axis=1), atol=TOLERANCE)
    assert all(len(set(row)) == k for row in indices.tolist())


@pytest.mark.parametrize("neighborhood", [1, 3, 10])
def test_csls_is_the_formula(neighborhood: int) -> None:
    x, y = rows(23), rows(17, seed=1)
    assert_best(*nearest(x, y, 4, neighborhood=neighborhood), naive_csls(x, y, neighborhood))


def test_cosine_and_dot() -> None:
    x, y = rows(23), rows(17, seed=1)
    assert_best(*nearest(x, y, 4, metric="cosine"), naive_cosines(x, y))
    assert_best(*nearest(x, y, 4, metric="dot"), (x @ y.T).astype(np.float64))


@st.composite
def two_sides(draw: st.DrawFn) -> tuple[Floats, Floats]:
    """Rows with ties, rows of zeros, and clusters that make hubs."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, m, width = draw(st.integers(1, 60)), draw(st.integers(1, 60)), draw(st.integers(1, 6))
    centers = rng.normal(size=(4, width))
    sides = [centers[rng.integers(4, size=size)] + rng.normal(size=(size, width)) for size in (n, m)]
    kind = draw(st.sampled_from(["plain", "rounded", "zeros", "sorted"]))
    for side in sides:
        if kind == "rounded":
            np.round(side, out=side)
        elif kind == "zeros":
            side[rng.random(len(side)) < 0.5] = 0
    if kind == "sorted":  # the worst order: each candidate is better than all before
        sides = [sides[0], sides[1][np.argsort(sides[1] @ sides[0][0])]]
    return sides[0].astype(np.float32), sides[1].astype(np.float32)


@settings(deadline=None)
@given(two_sides(), st.sampled_from(["cosine", "csls", "dot"]), st.integers(1, 5), st.floats(1e-5, 1e-2))
def test_the_size_of_the_tiles_changes_nothing(
    sides: tuple[Floats, Floats], metric: str, k: int, memory_mb: float
) -> None:
    x, y = sides
    k = min(k, len(y))
    naive = {"cosine": naive_cosines(x, y), "csls": naive_csls(x, y), "dot": (x @ y.T).astype(np.float64)}[metric]
    for budget in (memory_mb, 64.0):
        assert_best(*nearest(x, y, k, metric=metric, memory_mb=budget), naive)  # type: ignore[arg-type]


def test_many_tiles_of_full_size() -> None:
    """The threshold, the groups' maxima and the merging all have work to do here."""
    x, y = rows(700, 16), rows(3000, 16, seed=1)
    unit = [side / np.linalg.norm(side, axis=1, keepdims=True) for side in (x, y)]
    cosines = (unit[0] @ unit[1].T).astype(np.float64)
    r_x, r_y = (np.sort(each, axis=1)[:, -10:].mean(axis=1) for each in (cosines, cosines.T))
    csls = 2 * cosines - r_x[:, None] - r_y
    for memory_mb in (0.5, 4):
        assert_best(*nearest(x, y, 3, memory_mb=memory_mb), csls)
        np.testing.assert_allclose(neighborhood_similarity(x, y, memory_mb=memory_mb), r_x, atol=TOLERANCE)
        np.testing.assert_allclose(neighborhood_similarity(y, x, memory_mb=memory_mb), r_y, atol=TOLERANCE)


def test_many_equal_scores() -> None:
    """Nothing but ties: the threshold drops nothing."""
    x, y = np.ones((300, 3), dtype=np.float32), np.ones((400, 3), dtype=np.float32)
    indices, scores = nearest(x, y, 5, metric="cosine", memory_mb=0.2)
    np.testing.assert_allclose(scores, 1, atol=1e-6)
    assert all(len(set(row)) == 5 for row in indices.tolist())
    some = x.copy()
    some[::20] = [1, 2, 3]  # a few rows with ties among many with none
    other = rows(400, 3, seed=2)
    other[:350] = [1, 2, 3]
    for memory_mb in (0.2, 64):
        assert_best(*nearest(some, other, 5, metric="cosine", memory_mb=memory_mb), naive_cosines(some, other))


def test_a_side_is_not_changed_and_may_be_of_any_float_type() -> None:
    x, y = rows(20), rows(30, seed=1)
    before = x.copy()
    expected = nearest(x, y)[0]
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(nearest(x.astype(np.float64), y.astype(np.float64))[0], expected)
    assert nearest(x.astype(np.float16), y.astype(np.float16))[1].dtype == np.float32


def test_lengths_do_not_matter_but_for_dot() -> None:
    x, y = rows(20), rows(30, seed=1)
    longer = y * np.linspace(1e-6, 1e6, 30, dtype=np.float32)[:, None]
    np.testing.assert_array_equal(nearest(x, longer)[0], nearest(x, y)[0])
    assert (nearest(x, longer, metric="dot")[0] != nearest(x, y, metric="dot")[0]).any()


def test_rows_of_zeros_have_cosine_zero_with_everything() -> None:
    x, y = np.zeros((2, 3), dtype=np.float32), rows(4, 3)
    np.testing.assert_array_equal(nearest(x, y, 4, metric="cosine")[1], 0)
    assert np.isfinite(nearest(x, y, 4)[1]).all()


def test_csls_takes_hubs_down() -> None:
    """Key 0 is the cosine-nearest of all queries; by CSLS each query finds its own."""
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    x = np.stack([np.cos(angles), np.sin(angles), np.full(12, 2.0)], axis=1)
    own = np.stack([np.cos(angles), np.sin(angles), np.full(12, 0.7)], axis=1)
    y = np.concatenate([[[0, 0, 1]], own]).astype(np.float32)
    by_cosine = nearest(x, y, metric="cosine")[0]
    by_csls = nearest(x, y, neighborhood=3)[0]
    assert set(by_cosine.ravel().tolist()) == {0}
    np.testing.assert_array_equal(by_csls[:, 0], np.arange(1, 13))
    assert hubness(by_cosine, 13) > hubness(by_csls, 13)


def test_the_similarity_of_keys_may_come_from_more_rows_than_the_queries() -> None:
    x, y = rows(40), rows(30, seed=1)
    r_y = neighborhood_similarity(y, x)
    few = nearest(x[:7], y, 3, key_similarity=r_y)
    all_ = nearest(x, y, 3)
    np.testing.assert_array_equal(few[0], all_[0][:7])
    np.testing.assert_allclose(few[1], all_[1][:7], atol=TOLERANCE)


def test_neighborhood_similarity_of_few_keys_is_the_mean_over_all() -> None:
    x, y = rows(6), rows(4, seed=1)
    np.testing.assert_allclose(neighborhood_similarity(x, y, 10), naive_cosines(x, y).mean(axis=1), atol=TOLERANCE)


@settings(deadline=None)
@given(two_sides(), st.sampled_from(["cosine", "csls"]), st.floats(1e-5, 1e-2))
def test_mutual_nearest(sides: tuple[Floats, Floats], metric: str, memory_mb: float) -> None:
    x, y = sides
    pairs, scores = scored_mutual_nearest(x, y, metric=metric, memory_mb=memory_mb)  # type: ignore[arg-type]
    naive = naive_csls(x, y) if metric == "csls" else naive_cosines(x, y)
    for (i, j), score in zip(pairs.tolist(), scores.tolist()):
        assert score == pytest.approx(naive[i, j], abs=TOLERANCE)
        assert naive[i, j] >= max(naive[i].max(), naive[:, j].max()) - TOLERANCE
    clear = [
        (i, j)
        for i, j in enumerate(naive.argmax(axis=1))
        if (naive[i] > naive[i, j] - 2 * TOLERANCE).sum() == (naive[:, j] > naive[i, j] - 2 * TOLERANCE).sum() == 1
    ]
    assert set(clear) <= set(map(tuple, pairs.tolist()))
    assert len(set(pairs[:, 0].tolist())) == len(set(pairs[:, 1].tolist())) == len(pairs)


def test_mutual_nearest_of_a_shuffled_copy_is_the_shuffle() -> None:
    x, order = rows(50), np.random.default_rng(1).permutation(50)
    pairs = mutual_nearest(x, x[order])
    np.testing.assert_array_equal(order[pairs[:, 1]], pairs[:, 0])
    assert len(pairs) == 50


def test_mean_csls() -> None:
    x, y = rows(40), rows(30, seed=1)
    pairs = mutual_nearest(x, y)
    expected = naive_csls(x, y)[pairs[:, 0], pairs[:, 1]].mean()
    assert mean_csls(x, y, pairs) == pytest.approx(expected, abs=TOLERANCE)
    assert mean_csls(x, y) == pytest.approx(expected, abs=TOLERANCE)
    assert mean_csls(x, y, np.zeros((0, 2), dtype=int)) == float("-inf")


def test_mean_csls_is_higher_the_better_two_spaces_lie_together() -> None:
    x = rows(300, 20)
    scores = [mean_csls(x, x + noise * rows(300, 20, seed=1)) for noise in (0.1, 0.5, 1.0, 3.0)]
    assert scores == sorted(scores, reverse=True)


def test_hubness_is_the_skewness() -> None:
    from scipy.stats import skew

    indices = np.random.default_rng(0).integers(20, size=(100, 5)) ** 2 // 20
    counts = np.bincount(indices.ravel(), minlength=25)
    assert hubness(indices, 25) == pytest.approx(skew(counts))
    assert hubness(np.arange(25)[:, None], 25) == 0
    assert hubness(np.zeros((100, 1), dtype=int), 100) > 9


# Memory


def test_memory_does_not_grow_with_the_product_of_both_sides() -> None:
    """All similarities of 4,000 x 4,000 rows are 64 MB; the budget holds, beside blocks of input and the results."""
    x, y = rows(4000, 8), rows(4000, 8, seed=1)
    peaks = {}
    for memory_mb in (1, 8):
        tracemalloc.start()
        mutual_nearest(x, y, memory_mb=memory_mb)
        peaks[memory_mb] = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
    assert peaks[1] < 5
    assert peaks[8] < 12


def test_memory_holds_where_everything_is_equal() -> None:
    x = np.ones((3000, 4), dtype=np.float32)
    tracemalloc.start()
    nearest(x, x, 3, metric="cosine", memory_mb=2)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    assert peak < 6


# Errors


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("side", [0, 1])
def test_values_that_are_no_numbers_are_refused(bad: float, side: int) -> None:
    sides = [rows(5), rows(6)]
    sides[side][2, 1] = bad
    with pytest.raises(XltError, match="NaN"):
        nearest(*sides)
    with pytest.raises(XltError, match="NaN"):
        mutual_nearest(*sides)


@pytest.mark.parametrize("sides", [(rows(0), rows(3)), (rows(3), rows(0)), (rows(3)[0], rows(3))])
def test_no_rows_are_refused(sides: tuple[Floats, Floats]) -> None:
    with pytest.raises(XltError, match=r"needs embeddings \[n, d\]"):
        nearest(*sides)


def test_different_widths_are_refused() -> None:
    with pytest.raises(XltError, match="5 and 4 dimensions"):
        nearest(rows(3, 5), rows(3, 4))


@pytest.mark.parametrize("k", [0, 4])
def test_more_neighbors_than_keys_are_refused(k: int) -> None:
    with pytest.raises(XltError, match=f"k is {k}, .* 3 keys"):
        nearest(rows(5), rows(3), k)


def test_unknown_metric_and_neighborhood_are_refused() -> None:
    with pytest.raises(XltError, match="no metric 'l2'"):
        nearest(rows(3), rows(3), metric="l2")  # type: ignore[arg-type]
    with pytest.raises(XltError, match="neighborhood is 0"):
        nearest(rows(3), rows(3), neighborhood=0)
    for similarity in (np.zeros(2), np.full(3, np.nan)):
        with pytest.raises(XltError, match="key_similarity"):
            nearest(rows(3), rows(3), key_similarity=similarity.astype(np.float32))


def test_products_that_overflow_are_refused() -> None:
    huge = np.full((2, 2), 1e30, dtype=np.float32)
    np.testing.assert_allclose(nearest(huge, huge, metric="cosine")[1], 1, rtol=1e-6)
    with np.errstate(all="ignore"), pytest.raises(XltError, match="float32"):
        nearest(huge, -huge, metric="dot")
