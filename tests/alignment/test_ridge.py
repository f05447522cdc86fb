"""Ridge regression: scikit-learn's, generalized cross-validation by its definition, and the pull to the identity."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge as SklearnRidge

from spacy_xlt.alignment.base import Doubles
from spacy_xlt.alignment.ridge import GRID, Ridge, RidgeToIdentity, choose_penalty, ridge
from spacy_xlt.errors import XltError
from tests.alignment.spaces import parallel, turned_and_shifted

TOLERANCE = 1e-6


@st.composite
def problems(draw: st.DrawFn) -> tuple[Doubles, Doubles]:
    """Pairs [p, d]: fewer or more than dimensions, some of them alike."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    p, d = draw(st.integers(2, 30)), draw(st.integers(1, 8))
    x = rng.normal(size=(p, d))
    if draw(st.booleans()):
        x = x[rng.integers(p, size=p)]
    return x, x @ rng.normal(size=(d, d)) + rng.normal(size=(p, d))


@settings(deadline=None)
@given(problems(), st.floats(1e-2, 1e4))
def test_it_is_ridge_regression_of_scikit_learn(problem: tuple[Doubles, Doubles], penalty: float) -> None:
    x, y = problem
    reference = SklearnRidge(alpha=penalty).fit(x, y)
    matrix = ridge(x - x.mean(axis=0), y - y.mean(axis=0), penalty)
    np.testing.assert_allclose(matrix, np.atleast_2d(reference.coef_), atol=TOLERANCE)


@pytest.mark.parametrize("penalty", [0.01, 1.0, 100.0])
def test_the_aligner_predicts_what_scikit_learn_predicts(penalty: float) -> None:
    rows = turned_and_shifted(noise=0.05)
    reference = SklearnRidge(alpha=penalty).fit(rows["de"][:100].astype(float), rows["en"][:100].astype(float))
    mapped = Ridge(penalty).fit(rows, "en", parallel(100))["de"](rows["de"])
    np.testing.assert_allclose(mapped, reference.predict(rows["de"].astype(float)), atol=TOLERANCE)


@pytest.mark.parametrize("penalty", [0.01, 1.0, 100.0])
def test_ridge_to_identity_is_ridge_of_the_difference(penalty: float) -> None:
    rows = turned_and_shifted(noise=0.05)
    x, y = (rows[language][:100].astype(float) for language in ("de", "en"))
    reference = SklearnRidge(alpha=penalty).fit(x, y - x)
    mapped = RidgeToIdentity(penalty).fit(rows, "en", parallel(100))["de"](rows["de"])
    np.testing.assert_allclose(mapped, rows["de"] + reference.predict(rows["de"].astype(float)), atol=TOLERANCE)


@settings(deadline=None)
@given(problems())
def test_the_penalty_is_the_least_of_generalized_cross_validation(problem: tuple[Doubles, Doubles]) -> None:
    """GCV = p |residuals|^2 / (p - trace of the hat matrix)^2, the mean in it, computed with the matrices."""
    x, y = (side - side.mean(axis=0) for side in problem)
    n = len(x)
    left, s, _ = np.linalg.svd(x, full_matrices=False)
    kept = s > 1e-9
    if not kept.any() or n - 1 - kept.sum() <= 0:  # without a degree of freedom left GCV is 0 / 0 at penalty 0
        return
    left, s = left[:, kept], s[kept]
    inside = ((left.T @ y) ** 2).sum(axis=1)
    chosen = choose_penalty(s, inside, float((y**2).sum() - inside.sum()), n)

    def score(penalty: float) -> float:
        hat = x @ np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T) + np.full((n, n), 1 / n)
        return float(n * ((y - hat @ y) ** 2).sum() / (n - np.trace(hat)) ** 2)

    scores = [score(penalty) for penalty in GRID * (s**2).mean()]
    assert score(chosen) == pytest.approx(min(scores), rel=1e-6, abs=1e-12)


def test_noise_raises_the_penalty() -> None:
    """Seen at the map: the noisier the pairs, the smaller W, and the nearer to the identity I + D."""
    sizes, differences = [], []
    for noise in (0.01, 0.3, 3.0):
        rows = turned_and_shifted(n=60, noise=noise)
        sizes.append(float(np.linalg.norm(Ridge().fit(rows, "en", parallel(40))["de"].matrix)))
        matrix = RidgeToIdentity().fit({**rows, "de": rows["en"] + noise * rows["sw"]}, "en", parallel(40))["de"].matrix
        differences.append(float(np.linalg.norm(matrix - np.eye(8))))
    assert sizes == sorted(sizes, reverse=True)
    assert differences[0] < 0.1


def test_with_one_pair_ridge_knows_one_place_and_ridge_to_identity_one_shift() -> None:
    rows = turned_and_shifted()
    one = {"de": [(4, 4)], "sw": [(4, 4)]}
    there = Ridge().fit(rows, "en", one)["de"]
    np.testing.assert_allclose(there(rows["de"]), np.tile(rows["en"][4], (300, 1)), atol=1e-6)
    shift = RidgeToIdentity().fit(rows, "en", one)["de"]
    np.testing.assert_allclose(shift(rows["de"]), rows["de"] - rows["de"][4] + rows["en"][4], atol=1e-6)


def test_with_endless_penalty_ridge_to_identity_is_centering() -> None:
    rows = turned_and_shifted()
    mapped = RidgeToIdentity(1e12).fit(rows, "en", parallel(300))["de"](rows["de"])
    np.testing.assert_allclose(mapped, rows["de"] - rows["de"].mean(axis=0) + rows["en"].mean(axis=0), atol=1e-5)


@pytest.mark.parametrize("kind", [Ridge, RidgeToIdentity])
@pytest.mark.parametrize("penalty", [0, -1, float("inf"), float("nan")])
def test_penalties_that_are_none_are_refused(kind: type, penalty: float) -> None:
    with pytest.raises(XltError, match="penalty"):
        kind(penalty)
