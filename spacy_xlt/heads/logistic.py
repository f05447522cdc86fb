"""Logistic regression on embeddings, fitted exactly by L-BFGS: softmax, or one sigmoid per label."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.extras import require
from spacy_xlt.heads.layer import Layer
from spacy_xlt.heads.losses import Floats, cross_entropy, log_probabilities

# L2 penalties for vectors of length 1, the strongest first. They are 1 / C of scikit-learn.
L2_PATH = (100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
# A fit ends when the relative decrease of the loss is smaller. Predictions do not change visibly after that.
TOLERANCE = 1e-7
STEPS = 500


def minimize_cross_entropy(
    rows: NDArray[np.floating],
    targets: NDArray[np.floating],
    *,
    start: Floats,
    origin: Floats,
    penalty: Floats,
    unit: Floats,
    weight: Optional[NDArray[np.floating]],
    exclusive: bool,
    options: Mapping[str, float],
) -> Floats:
    """Find the weights and biases theta that minimize a penalized cross-entropy, by L-BFGS.

    The loss is sum_ij weight_ij CE_ij + 1/2 sum_jk penalty_jk (theta_jk - origin_jk)^2. CE_ij is the cross-entropy of
    label j in row i, for the scores rows @ theta[:, :-1].T + theta[:, -1].

    Args:
        rows: The features, `[n, d]`. Scores are computed in their precision.
        targets: The probabilities of the labels, `[n, labels]`.
        start: The first theta, `[labels, d + 1]`. The last column has the biases.
        origin: The theta that the penalty is zero at. It has the shape of `start`, as `penalty` and `unit` do.
        penalty: The L2 penalties.
        unit: The sizes of the steps. L-BFGS needs few iterations if the loss has the same curvature in all directions
            when theta is measured in these units.
        weight: The weights of the cross-entropies, `[n, labels]` or `[n, 1]`. None is 1 for all.
        exclusive: Whether the probabilities are the softmax of the scores. If false, they are sigmoids.
        options: The options of `scipy.optimize.minimize` for L-BFGS-B.

    Returns:
        The best theta, `[labels, d + 1]`.
    """
    require("train", "scipy")
    from scipy.optimize import minimize

    def loss(flat: Floats) -> tuple[float, Floats]:
        theta = flat.reshape(unit.shape) * unit
        scores = rows @ theta[:, :-1].astype(rows.dtype).T + theta[:, -1].astype(rows.dtype)
        logs, probabilities = log_probabilities(scores, exclusive)
        difference = theta - origin
        value = cross_entropy(targets, logs, weight).sum(dtype=np.float64) + 0.5 * (penalty * difference**2).sum()
        wrong = probabilities - targets if weight is None else (probabilities - targets) * weight
        gradient = np.c_[wrong.T @ rows, wrong.sum(axis=0, dtype=np.float64)] + penalty * difference
        return float(value), (gradient * unit).ravel()

    found = minimize(loss, (start / unit).ravel(), jac=True, method="L-BFGS-B", options=dict(options))
    return np.asarray(found.x.reshape(unit.shape) * unit)


def fit_path(
    features: Floats2d,
    gold: NDArray[np.floating],
    l2s: Sequence[float] = L2_PATH,
    *,
    known: Optional[NDArray[np.floating]] = None,
    exclusive: bool = True,
) -> Iterator[Layer]:
    """Fit a linear layer for each L2 penalty.

    A layer minimizes sum_i CE(gold_i, p(features_i)) + l2 / 2 |weight|^2. This is the optimum of scikit-learn's
    `LogisticRegression(C=1 / l2)`, which does not penalize the bias either.

    Args:
        features: The features, `[n, d]`. They are scaled to a root mean square length of 1, so that a penalty has the
            same effect for every head.
        gold: The labels, `[n, labels]`: 0 or 1, or probabilities.
        l2s: The penalties. Each fit starts from the layer before.
        known: Whether it is known that a text has a label or not, `[n, labels]`: 0 or 1. None is 1 for all.
        exclusive: Whether each text has exactly one label (softmax). If false, each label has a sigmoid.

    Yields:
        The layer of each penalty.
    """
    size = np.float32(np.sqrt(np.square(features, dtype=np.float64).sum(axis=1).mean()) or 1.0)
    center = features.mean(axis=0, dtype=np.float64).astype(np.float32)
    centered = np.asarray((features - center) / size, dtype=np.float32)
    # The rows are rotated to their principal axes, and a parameter is measured in units of its curvature at the label
    # frequencies, so that L-BFGS needs few iterations.
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
        penalty = np.full_like(theta, l2)
        penalty[:, -1] = 0.0
        theta = minimize_cross_entropy(
            rows,
            target,
            start=theta,
            origin=np.zeros_like(theta),
            penalty=penalty,
            unit=1.0 / np.sqrt(np.c_[variance * curvature.clip(0.0) + l2, variance * len(rows)]),
            weight=mask,
            exclusive=exclusive,
            options={"ftol": TOLERANCE, "gtol": 0.0, "maxiter": STEPS, "maxcor": 20},
        )
        weight = theta[:, :-1] @ axes.T / size
        yield Layer(weight.astype(np.float32), (theta[:, -1] - weight @ center).astype(np.float32))
