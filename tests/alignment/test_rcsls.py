"""RCSLS: the loss by its formula, its gradient, and that it goes down."""

import numpy as np
import pytest

from spacy_xlt.alignment.affine import Floats
from spacy_xlt.alignment.base import Doubles
from spacy_xlt.alignment.procrustes import rotation
from spacy_xlt.alignment.rcsls import RCSLS, Problem, _project, descend
from spacy_xlt.alignment.retrieval import mean_csls
from spacy_xlt.errors import XltError
from tests.alignment.spaces import parallel, turned_and_shifted


def unit(n: int, seed: int) -> Floats:
    rows = np.random.default_rng(seed).normal(size=(n, 4))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


PROBLEM = Problem(unit(20, 0), unit(20, 1), unit(30, 2), unit(40, 3), neighborhood=3)


def naive_loss(problem: Problem, w: Doubles) -> float:
    total = 0.0
    for x, y in zip(problem.x, problem.y):
        mapped = w @ x
        near_mapped = sorted(mapped @ other for other in problem.others_y)[-problem.neighborhood :]
        near_y = sorted(y @ (w @ other) for other in problem.others_x)[-problem.neighborhood :]
        total += -2 * mapped @ y + np.mean(near_mapped) + np.mean(near_y)
    return total / len(problem.x)


@pytest.mark.parametrize("seed", range(3))
def test_the_loss_is_the_formula_and_the_gradient_its_slope(seed: int) -> None:
    rng = np.random.default_rng(seed)
    w, direction = rng.normal(size=(2, 4, 4))
    loss, gradient = PROBLEM.loss(w)
    assert loss == pytest.approx(naive_loss(PROBLEM, w), abs=1e-5)
    step = 1e-6
    slope = (naive_loss(PROBLEM, w + step * direction) - naive_loss(PROBLEM, w - step * direction)) / (2 * step)
    assert (gradient * direction).sum() == pytest.approx(slope, rel=1e-3, abs=1e-4)


def test_a_neighborhood_larger_than_the_others_is_all_of_them() -> None:
    wide = Problem(PROBLEM.x, PROBLEM.y, PROBLEM.others_x[:2], PROBLEM.others_y[:2], neighborhood=10)
    assert wide.loss(np.eye(4))[0] == pytest.approx(naive_loss(wide, np.eye(4)), abs=1e-5)


@pytest.mark.parametrize("spectral", [True, False])
def test_each_iteration_lowers_the_loss_or_leaves_it(spectral: bool) -> None:
    matrices = [descend(PROBLEM, iterations, 1.0, spectral) for iterations in range(12)]
    losses = [PROBLEM.loss(matrix)[0] for matrix in matrices]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] - 0.01
    np.testing.assert_array_equal(matrices[0], rotation(PROBLEM.x.astype(np.float64), PROBLEM.y.astype(np.float64)))


def test_a_step_that_is_far_too_long_is_halved_until_it_helps() -> None:
    start = PROBLEM.loss(descend(PROBLEM, 0, 1.0, False))[0]
    assert PROBLEM.loss(descend(PROBLEM, 40, 1e4, False))[0] < start


def test_singular_values_stay_up_to_one_if_asked() -> None:
    easy = Problem(PROBLEM.x, PROBLEM.x, PROBLEM.others_x, PROBLEM.others_x, neighborhood=3)
    largest = [np.linalg.svd(descend(easy, 10, 1.0, spectral), compute_uv=False).max() for spectral in (True, False)]
    assert largest[0] <= 1 + 1e-9 < largest[1]


def test_the_projection_is_the_nearest_matrix() -> None:
    """Any other matrix with singular values up to 1 is farther off."""
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(4, 4))
    distance = np.linalg.norm(matrix - _project(matrix))
    for _ in range(200):
        other = rng.normal(size=(4, 4)) * 0.1 + _project(matrix)
        other /= max(1.0, np.linalg.norm(other, ord=2))
        assert np.linalg.norm(matrix - other) >= distance


def test_mapped_rows_are_as_long_as_those_of_the_source() -> None:
    rows = turned_and_shifted(noise=0.05)
    rows["de"] *= 7
    there = RCSLS().fit(rows, "en", parallel(300))["de"]
    lengths = [np.linalg.norm(side - rows["en"].mean(axis=0)) for side in (there(rows["de"]), rows["en"])]
    assert lengths[0] == pytest.approx(lengths[1], rel=1e-4)


def test_csls_is_better_than_with_procrustes() -> None:
    """On pairs that no rotation fits: it is trained for this criterion."""
    rows = turned_and_shifted(noise=0.05)
    bent = np.random.default_rng(5).normal(size=(8, 8)).astype(np.float32) / 3
    rows["de"] = rows["de"] @ (np.eye(8, dtype=np.float32) + bent)
    maps = {iterations: RCSLS(iterations).fit(rows, "en", parallel(150))["de"] for iterations in (0, 20)}
    pairs = np.stack([np.arange(150, 300)] * 2, axis=1)
    mean = rows["en"].mean(axis=0)
    scores = [mean_csls(there(rows["de"]) - mean, rows["en"] - mean, pairs) for there in maps.values()]
    assert scores[1] > scores[0]


@pytest.mark.parametrize("bad", [{"iterations": -1}, {"step": 0}, {"neighborhood": 0}, {"negatives": 0}])
def test_settings_that_are_none_are_refused(bad: dict[str, int]) -> None:
    with pytest.raises(XltError, match="positive"):
        RCSLS(**bad)
