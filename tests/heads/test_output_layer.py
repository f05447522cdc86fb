"""Tests of the fit of an output layer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_xlt.heads.layer import Layer
from spacy_xlt.heads.output_layer import fit_output_layer, zero_layer


def make_task(n: int = 60, width: int = 5, labels: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(seed)
    gold = np.eye(labels)[np.arange(n) % labels]
    rows = gold @ chance.normal(size=(labels, width)) + chance.normal(size=(n, width))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), gold


def test_is_logistic_regression() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    rows, gold = make_task()
    # The bias is penalized, too, so it is a column here.
    reference = linear_model.LogisticRegression(C=2.0, fit_intercept=False, tol=1e-8, max_iter=1000)
    reference.fit(np.c_[rows, np.ones(len(rows))], gold.argmax(axis=1))
    layer = fit_output_layer(rows, gold, prior=zero_layer(3, 5), l2=0.5)
    np.testing.assert_allclose(np.c_[layer.weight, layer.bias], reference.coef_, atol=2e-3)


def test_sigmoids_are_one_regression_per_label() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    rows, gold = make_task()
    layer = fit_output_layer(rows, gold, prior=zero_layer(3, 5), l2=0.5, exclusive=False)
    for label in range(3):
        reference = linear_model.LogisticRegression(C=2.0, fit_intercept=False, tol=1e-8, max_iter=1000)
        reference.fit(np.c_[rows, np.ones(len(rows))], gold[:, label])
        np.testing.assert_allclose(np.append(layer.weight[label], layer.bias[label]), reference.coef_[0], atol=2e-3)


def test_weights_equal_copies_and_soft_labels_equal_weighted_labels() -> None:
    rows, gold = make_task(12)
    sample_weight = np.tile([1.0, 2.0, 3.0], 4)
    copies = np.repeat(np.arange(12), np.tile([1, 2, 3], 4))
    start = Layer(np.ones((3, 5), dtype=np.float32), np.zeros(3, dtype=np.float32))
    size = np.sqrt((rows**2).sum(axis=1).mean())
    assert size == pytest.approx(1.0)
    weighted = fit_output_layer(rows, gold, prior=start, l2=1.0, sample_weight=sample_weight)
    copied = fit_output_layer(rows[copies], gold[copies], prior=start, l2=1.0)
    np.testing.assert_allclose(weighted.weight, copied.weight, atol=1e-3)
    soft = np.array([[0.75, 0.25, 0.0]])
    shared = fit_output_layer(rows[:1], soft, prior=start, l2=1.0)
    apart = fit_output_layer(rows[[0, 0]], np.eye(3)[:2], prior=start, l2=1.0, sample_weight=np.array([0.75, 0.25]))
    np.testing.assert_allclose(shared.weight, apart.weight, atol=1e-3)


@settings(max_examples=20, deadline=None)
@given(scale=st.floats(0.01, 1000.0), l2=st.floats(0.1, 10.0))
def test_the_scale_of_a_head_changes_nothing(scale: float, l2: float) -> None:
    rows, gold = make_task(30)
    one = fit_output_layer(rows, gold, prior=zero_layer(3, 5), l2=l2)
    other = fit_output_layer(rows * np.float32(scale), gold, prior=zero_layer(3, 5), l2=l2)
    np.testing.assert_allclose(one(rows), other(rows * np.float32(scale)), atol=0.02)


def test_a_strong_penalty_or_no_text_keeps_the_weights() -> None:
    rows, gold = make_task()
    start = Layer(np.ones((3, 5), dtype=np.float32), np.zeros(3, dtype=np.float32))
    kept = fit_output_layer(rows, gold, prior=start, l2=1e9)
    np.testing.assert_allclose(kept.weight, start.weight, atol=1e-5)
    assert fit_output_layer(rows[:0], gold[:0], prior=start, l2=1.0) is start
