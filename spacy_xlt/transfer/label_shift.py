"""Choose pseudo-labels: correct for label shift, and select the most confident texts."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
EM_STEPS = 100
# Pseudo-counts per label, so that no label disappears if there are few texts.
PSEUDO_COUNT = 1.0
# The largest weight of a text.
MAX_WEIGHT = 4.0


def estimate_prior(probabilities: Floats, prior: Floats) -> Floats:
    """Estimate the class prior of unlabeled texts by expectation maximization.

    The estimate is the maximum a posteriori under a Dirichlet prior with `PSEUDO_COUNT` texts per label.

    Args:
        probabilities: Predictions of a classifier, [n, labels].
        prior: The prior of the classifier's training data, [labels].

    Returns:
        The prior of these texts, [labels].

    References:
        Saerens, Latinne & Decaestecker (2002), "Adjusting the outputs of a classifier to new a priori probabilities",
        equations 2.9.
    """
    current = prior / prior.sum()
    for _ in range(EM_STEPS):
        counts = shift(probabilities, prior, current).sum(axis=0) + PSEUDO_COUNT * len(prior) * prior / prior.sum()
        updated = counts / counts.sum()
        if np.abs(updated - current).max() < 1e-6:
            return np.asarray(updated)
        current = updated
    return np.asarray(current)


def shift(probabilities: Floats, prior: Floats, new_prior: Floats) -> Floats:
    """Return the probabilities [n, labels] that a classifier would predict under another class prior.

    Args:
        probabilities: Predictions of a classifier, [n, labels].
        prior: The prior of its training data, [labels].
        new_prior: The other prior, [labels].
    """
    shifted = probabilities * (new_prior / prior)
    return np.asarray(shifted / np.maximum(shifted.sum(axis=1, keepdims=True), 1e-12))


def select_balanced(probabilities: Floats, fraction: float) -> NDArray[np.int64]:
    """Select the same fraction of each predicted label: the most confident texts.

    Args:
        probabilities: Predictions, [n, labels].
        fraction: Between 0 and 1. At least one text of each predicted label is selected.

    Returns:
        The rows, sorted.

    References:
        Zou et al. (2018), "Unsupervised domain adaptation for semantic segmentation via class-balanced self-training",
        section 4.2.
    """
    return _select(probabilities, lambda n: max(1, round(fraction * n)))


def most_confident(probabilities: NDArray[np.floating], each: int) -> list[int]:
    """Select at most `each` texts of each predicted label: the most confident ones.

    Unlike a fraction, a fixed number keeps a frequent label from outweighing the others.

    Args:
        probabilities: Predictions, [n, labels].
        each: The number of texts per label.

    Returns:
        The rows, sorted.
    """
    return _select(probabilities, lambda n: each).tolist()


def _select(probabilities: NDArray[np.floating], number_of: Callable[[int], int]) -> NDArray[np.int64]:
    """Return the most confident rows; number_of: how many of the n texts of a predicted label."""
    best, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    selected = []
    for label in np.unique(best):
        rows = np.flatnonzero(best == label)
        selected.append(rows[np.argsort(-confidence[rows], kind="stable")[: number_of(len(rows))]])
    return np.sort(np.concatenate(selected)) if selected else np.zeros(0, dtype=np.int64)


def balancing_weights(labels: NDArray[np.int64], prior: Floats) -> Floats:
    """Return weights that make the labels of texts as frequent as in a prior.

    Args:
        labels: The label of each text, [n].
        prior: The prior, [labels].

    Returns:
        The weights [n], with mean 1. Before the last normalization no weight is above `MAX_WEIGHT`.
    """
    counts = np.bincount(labels, minlength=len(prior))
    weights = (prior / np.maximum(counts, 1))[labels]
    weights = np.minimum(weights / weights.mean(), MAX_WEIGHT)
    return np.asarray(weights / weights.mean())
