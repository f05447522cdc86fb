"""Comparisons of logistic regression with that of scikit-learn."""

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("scipy")
linear_model = pytest.importorskip("sklearn.linear_model")

from spacy_xlt.heads.logistic import fit_path  # noqa: E402
from spacy_xlt.heads.losses import log_probabilities  # noqa: E402


def make_task(n: int, labels: int, width: int = 12, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Unit vectors in a narrow cone, as sentence encoders make them, and labels that they predict."""
    chance = np.random.default_rng(seed)
    gold = np.eye(labels)[np.arange(n) % labels]
    rows = 3.0 + gold @ chance.normal(size=(labels, width)) + chance.normal(size=(n, width))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), gold


@pytest.mark.parametrize("l2", [1.0, 0.01])
def test_softmax_reaches_the_optimum_of_scikit_learn(l2: float) -> None:
    rows, gold = make_task(120, 3)
    reference = linear_model.LogisticRegression(C=1 / l2, tol=1e-9, max_iter=5000).fit(rows, gold.argmax(axis=1))
    (layer,) = fit_path(rows, gold, [l2])
    found = log_probabilities(layer(rows).astype(np.float64), exclusive=True)[1]
    np.testing.assert_allclose(found, reference.predict_proba(rows), atol=2e-3)


def test_a_rare_and_a_frequent_label_reach_the_optimum_of_scikit_learn() -> None:
    rows, _ = make_task(250, 3)
    gold = np.c_[rows[:, 0] > np.median(rows[:, 0]), np.arange(250) % 50 == 0].astype(np.float64)
    (layer,) = fit_path(rows, gold, [0.1], exclusive=False)
    found = log_probabilities(layer(rows).astype(np.float64), exclusive=False)[1]
    for label in range(2):
        reference = linear_model.LogisticRegression(C=10.0, tol=1e-9, max_iter=5000).fit(rows, gold[:, label])
        np.testing.assert_allclose(found[:, label], reference.predict_proba(rows)[:, 1], atol=2e-3)


def test_each_fit_of_a_path_equals_a_single_fit() -> None:
    rows, gold = make_task(90, 3)
    for layer, l2 in zip(fit_path(rows, gold, [10.0, 0.1]), [10.0, 0.1]):
        (alone,) = fit_path(rows, gold, [l2])
        np.testing.assert_allclose(layer(rows), alone(rows), atol=0.02)


def test_the_scale_of_the_features_changes_nothing() -> None:
    rows, gold = make_task(90, 3)
    (one,) = fit_path(rows, gold, [0.1])
    (other,) = fit_path(rows * np.float32(1000), gold, [0.1])
    np.testing.assert_allclose(one(rows), other(rows * np.float32(1000)), atol=0.02)


def test_unknown_labels_have_no_influence() -> None:
    rows, gold = make_task(120, 2)
    known = np.ones_like(gold)
    known[60:, 0] = 0.0
    changed = gold.copy()
    changed[60:, 0] = 1.0 - changed[60:, 0]
    layers = [next(fit_path(rows, each, [0.1], known=known, exclusive=False)) for each in (gold, changed)]
    np.testing.assert_array_equal(layers[0].weight, layers[1].weight)
    (half,) = fit_path(rows[:60], gold[:60, :1], [0.1 * layers_scale(rows)], exclusive=False)
    found = [log_probabilities(layer(rows).astype(np.float64), False)[1][:, 0] for layer in (layers[0], half)]
    np.testing.assert_allclose(found[0], found[1], atol=2e-3)


def layers_scale(rows: NDArray[np.float32]) -> float:
    """Return the factor of the penalty for a half of the rows. It is 1, because all rows have length 1."""
    assert np.abs(np.linalg.norm(rows, axis=1) - 1).max() < 1e-5
    return 1.0
