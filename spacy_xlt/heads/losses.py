"""The cross-entropy of scores, with softmax where labels exclude each other, else with a sigmoid for each label."""

from typing import Optional

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def log_probabilities(scores: NDArray[np.floating], exclusive: bool) -> tuple[tuple[Floats, Floats], Floats]:
    """((log p, log (1 - p)), p) of scores [n, labels]; the second logarithm is 0 where labels exclude each other."""
    if exclusive:
        logs = scores - scores.max(axis=1, keepdims=True)
        logs -= np.log(np.exp(logs).sum(axis=1, keepdims=True))
        return (logs, np.zeros_like(logs)), np.exp(logs)
    logs, others = -np.logaddexp(0.0, -scores), -np.logaddexp(0.0, scores)
    return (logs, others), np.exp(logs)


def cross_entropy(
    gold: NDArray[np.floating], logs: tuple[Floats, Floats], known: Optional[NDArray[np.floating]] = None
) -> Floats:
    """Of each row [n]. known: [n, labels], 0 where the gold does not say; None: it says everything."""
    entropies = gold * logs[0] + (1.0 - gold) * logs[1]
    return np.asarray(-(entropies if known is None else entropies * known).sum(axis=1))
