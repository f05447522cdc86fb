"""Fit the output layer of a head, regularized towards known weights."""

from typing import Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.heads.layer import Layer
from spacy_xlt.heads.logistic import minimize_cross_entropy

# The largest entry of the gradient per text at which fitting ends. Predictions are the same with a smaller one.
TOLERANCE = 1e-5
MAX_STEPS = 200


def zero_layer(n_labels: int, width: int) -> Layer:
    """Return a layer whose weights are zero."""
    return Layer(np.zeros((n_labels, width), dtype=np.float32), np.zeros(n_labels, dtype=np.float32))


def fit_output_layer(
    features: Floats2d,
    targets: NDArray[np.floating],
    *,
    prior: Layer,
    l2: float,
    sample_weight: Optional[NDArray[np.floating]] = None,
    exclusive: bool = True,
) -> Layer:
    """Fit a linear layer, regularized towards the weights of another one (L2-SP).

    It minimizes sum_i sample_weight_i CE(targets_i, p(features_i)) + l2 / 2 |theta - prior|^2. If `prior` is zero, this
    is logistic regression. If it is the layer of another task, this adapts that layer to a new task.

    Args:
        features: The features, `[n, d]`. They are scaled to a root mean square length of 1, and the weights inversely,
            so that `l2` has the same effect for every head.
        targets: The probabilities of the labels, `[n, labels]`.
        prior: The layer that the weights and the bias are regularized towards.
        l2: The penalty.
        sample_weight: The weight of each text, `[n]`. None is 1 for all.
        exclusive: Whether each text has exactly one label (softmax). If false, each label has a sigmoid.

    Returns:
        The layer. It is `prior` if there is no text.

    References:
        Chelba & Acero (2004), "Adaptation of maximum entropy capitalizer", equation 5. Li, Grandvalet & Davoine (2018),
        "Explicit inductive bias for transfer learning", equation 2.
    """
    if not len(features):
        return prior
    size = float(np.sqrt(np.square(features, dtype=np.float64).sum(axis=1).mean())) or 1.0
    origin = np.c_[np.asarray(prior.weight, dtype=np.float64) * size, prior.bias]
    weights = np.ones(len(features)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    theta = minimize_cross_entropy(
        np.asarray(features, dtype=np.float64) / size,
        np.asarray(targets, dtype=np.float64),
        start=origin,
        origin=origin,
        penalty=np.full_like(origin, l2),
        unit=np.ones_like(origin),
        weight=weights[:, None],
        exclusive=exclusive,
        options={"gtol": TOLERANCE * max(1.0, float(weights.sum())), "ftol": 0.0, "maxiter": MAX_STEPS},
    )
    return Layer((theta[:, :-1] / size).astype(np.float32), theta[:, -1].astype(np.float32))
