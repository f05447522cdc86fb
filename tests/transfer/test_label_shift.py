"""Pseudo-labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_xlt.transfer.label_shift import (
    balancing_weights,
    estimate_prior,
    select_balanced,
    shift,
)


def make_probabilities(prior: np.ndarray, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Exact posteriors under an even prior of one-dimensional Gaussians, and the labels, drawn from `prior`."""
    chance = np.random.default_rng(seed)
    labels = chance.choice(len(prior), size=n, p=prior)
    values = labels + 0.6 * chance.normal(size=n)
    likelihoods = np.exp(-0.5 * ((values[:, None] - np.arange(len(prior))) / 0.6) ** 2)
    return likelihoods / likelihoods.sum(axis=1, keepdims=True), labels


def test_em_finds_the_prior() -> None:
    even, true = np.full(3, 1 / 3), np.array([0.7, 0.2, 0.1])
    probabilities, labels = make_probabilities(true, 4000)
    found = estimate_prior(probabilities, even)
    np.testing.assert_allclose(found, true, atol=0.03)
    counted = np.bincount(probabilities.argmax(axis=1), minlength=3) / 4000
    assert np.abs(found - true).max() < np.abs(counted - true).max()
    corrected = shift(probabilities, even, found)
    assert (corrected.argmax(axis=1) == labels).mean() > (probabilities.argmax(axis=1) == labels).mean()


def test_a_label_that_no_text_has_does_not_die_out() -> None:
    probabilities = np.tile([0.9, 0.1], (20, 1))
    found = estimate_prior(probabilities, np.array([0.5, 0.5]))
    assert 0.01 < found[1] < 0.1 and found.sum() == pytest.approx(1.0)


@given(st.integers(1, 60), st.floats(0.01, 1.0), st.integers(0, 5))
def test_every_predicted_label_is_chosen_by_the_same_share(n: int, share: float, seed: int) -> None:
    probabilities = np.random.default_rng(seed).dirichlet(np.ones(4), size=n)
    rows = select_balanced(probabilities, share)
    assert len(set(rows.tolist())) == len(rows)
    best, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    for label in set(best.tolist()):
        kept = [row for row in rows if best[row] == label]
        assert len(kept) == max(1, round(share * (best == label).sum()))
        left = sorted(set(np.flatnonzero(best == label).tolist()) - set(kept))
        assert not left or confidence[left].max() <= confidence[kept].min()


def test_weights_bring_the_labels_to_their_prior() -> None:
    labels = np.array([0] * 6 + [1] * 3)
    weights = balancing_weights(labels, np.array([0.5, 0.5]))
    assert weights.mean() == pytest.approx(1.0)
    assert weights[labels == 0].sum() == pytest.approx(weights[labels == 1].sum())
    rare = balancing_weights(np.array([0] * 99 + [1]), np.array([0.5, 0.5]))
    assert rare[-1] <= 8.0
