"""Logistic regression on embeddings, fitted exactly: softmax or one-vs-rest sigmoid, for a path of L2 penalties."""

from collections.abc import Iterator, Sequence
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.extras import require
from spacy_xlt.heads.layer import Layer
from spacy_xlt.heads.losses import Floats, cross_entropy, log_probabilities

# L2 penalties, the strongest first, for vectors of length 1: 1 / C of scikit-learn.
L2_PATH = (100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
# The relative decrease of the loss at which a fit ends: far below what any prediction notices.
TOLERANCE = 1e-7
STEPS = 500


def fit_path(
    features: Floats2d,
    gold: NDArray[np.floating],
    l2s: Sequence[float] = L2_PATH,
    *,
    known: Optional[NDArray[np.floating]] = None,
    exclusive: bool = True,
) -> Iterator[Layer]:
    """Yield the layer that minimizes sum_i CE(gold_i, p(features_i)) + l2 / 2 |weight|^2 for each penalty.

    The optimum is that of scikit-learn's `LogisticRegression(C=1 / l2)`, which does not penalize the bias either.

    Args:
        features: [n, d]. They are brought to a root mean square length of 1, so that a penalty means the same for
            every head.
        gold: [n, labels], 0 or 1 (or probabilities).
        l2s: penalties; each fit starts from the one before.
        known: [n, labels], 0 where the gold does not say whether a text has a label; None: it says so everywhere.
        exclusive: softmax; else a sigmoid for each label.
    """

    require("train", "scipy")
    from scipy.optimize import minimize

    size = np.float32(np.sqrt(np.square(features, dtype=np.float64).sum(axis=1).mean()) or 1.0)
    center = features.mean(axis=0, dtype=np.float64).astype(np.float32)
    centered = np.asarray((features - center) / size, dtype=np.float32)
    # L-BFGS needs few steps where all directions have the same curvature. So the rows are turned to their principal
    # axes, and each parameter is measured in units of its curvature at the labels' shares.
    curvature, axes = np.linalg.eigh((centered.T @ centered).astype(np.float64))
    rows = centered @ axes.astype(np.float32)
    target = np.asarray(gold, dtype=np.float32)
    mask = None if known is None else np.asarray(known, dtype=np.float32)
    total = float(len(target)) if mask is None else mask.sum(axis=0, dtype=np.float64)
    share = ((target if mask is None else target * mask).sum(axis=0, dtype=np.float64) + 1.0) / (total + 2.0)
    variance = (share * (1.0 - share))[:, None]
    theta = np.zeros((target.shape[1], rows.shape[1] + 1))
    theta[:, -1] = np.log(share) if exclusive else np.log(share / (1.0 - share))
    for l2 in l2s:
        unit = 1.0 / np.sqrt(np.c_[variance * curvature.clip(0.0) + l2, variance * len(rows)])

        def loss(flat: Floats, unit: Floats = unit, l2: float = l2) -> tuple[float, Floats]:
            now = flat.reshape(unit.shape) * unit
            weight, bias = now[:, :-1].astype(np.float32), now[:, -1].astype(np.float32)
            logs, probabilities = log_probabilities(rows @ weight.T + bias, exclusive)
            value = cross_entropy(target, logs, mask).sum(dtype=np.float64) + 0.5 * l2 * np.square(now[:, :-1]).sum()
            wrong = probabilities - target if mask is None else (probabilities - target) * mask
            slope = np.c_[wrong.T @ rows + l2 * now[:, :-1], wrong.sum(axis=0, dtype=np.float64)]
            return float(value), (slope * unit).ravel()

        options = {"ftol": TOLERANCE, "gtol": 0.0, "maxiter": STEPS, "maxcor": 20}
        found = minimize(loss, (theta / unit).ravel(), jac=True, method="L-BFGS-B", options=options)
        theta = found.x.reshape(unit.shape) * unit
        weight = theta[:, :-1] @ axes.T / size
        yield Layer(weight.astype(np.float32), (theta[:, -1] - weight @ center).astype(np.float32))
