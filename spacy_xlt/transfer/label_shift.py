"""Pseudo-labels: the class prior of unlabelled texts, and which texts to believe."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
EM_STEPS = 100
# Texts that each label is granted, so that no label dies out on few texts.
GRANTED = 1.0


def estimate_prior(probabilities: Floats, prior: Floats) -> Floats:
    """The prior [labels] of unlabelled texts by EM (Saerens, Latinne & Decaestecker 2002, equations 2.9).

    probabilities: [n, labels] of a classifier that was trained under `prior` [labels]. Every label is granted
    `GRANTED` texts of its share in `prior` (the maximum a posteriori under a Dirichlet prior).
    """
    current = prior / prior.sum()
    for _ in range(EM_STEPS):
        counts = shift(probabilities, prior, current).sum(axis=0) + GRANTED * len(prior) * prior / prior.sum()
        updated = counts / counts.sum()
        if np.abs(updated - current).max() < 1e-6:
            return np.asarray(updated)
        current = updated
    return np.asarray(current)


def shift(probabilities: Floats, prior: Floats, new_prior: Floats) -> Floats:
    """The probabilities [n, labels] that a classifier would give, had it been trained under another prior."""
    shifted = probabilities * (new_prior / prior)
    return np.asarray(shifted / np.maximum(shifted.sum(axis=1, keepdims=True), 1e-12))


def select_balanced(probabilities: Floats, share: float) -> NDArray[np.int64]:
    """The rows of the most confident texts, by the same share of each predicted label, sorted.

    So each label has a threshold of its own, which is the (1 - share) quantile of the confidences of its texts (Zou et
    al. 2018, "Class-Balanced Self-Training", section 4.2); every label with a text keeps at least one.
    """
    return _most_confident(probabilities, lambda n: max(1, round(share * n)))


def most_confident(probabilities: NDArray[np.floating], each: int) -> list[int]:
    """The rows of the most confident texts, at most `each` of every predicted label, sorted.

    So a label that the texts are mostly about does not outweigh the others, as it would with a share.
    """
    return _most_confident(probabilities, lambda n: each).tolist()


def _most_confident(probabilities: NDArray[np.floating], keep: Callable[[int], int]) -> NDArray[np.int64]:
    """Rows, sorted; keep: of so many texts of a predicted label, how many."""
    best, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    chosen = []
    for label in np.unique(best):
        rows = np.flatnonzero(best == label)
        chosen.append(rows[np.argsort(-confidence[rows], kind="stable")[: keep(len(rows))]])
    return np.sort(np.concatenate(chosen)) if chosen else np.zeros(0, dtype=np.int64)


def balancing_weights(labels: NDArray[np.int64], prior: Floats) -> Floats:
    """Weights [n] with mean 1 that give each label that occurs its share in `prior`, whatever its number of texts.

    No text counts more than four times as much as the average.
    """
    counts = np.bincount(labels, minlength=len(prior))
    weights = (prior / np.maximum(counts, 1))[labels]
    weights = np.minimum(weights / weights.mean(), 4.0)
    return np.asarray(weights / weights.mean())
