"""Fitting the output layer of a head on vectors: softmax or sigmoid, soft labels, a pull towards known weights."""

from typing import Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.extras import require
from spacy_xlt.heads.layer import Layer
from spacy_xlt.heads.losses import Floats, cross_entropy, log_probabilities

# Of the gradient's largest entry, a text. Far below what any prediction notices.
TOLERANCE = 1e-5
STEPS = 200


def zero_layer(n_labels: int, width: int) -> Layer:
    return Layer(np.zeros((n_labels, width), dtype=np.float32), np.zeros(n_labels, dtype=np.float32))


def fit_output_layer(
    features: Floats2d,
    targets: NDArray[np.floating],
    *,
    towards: Layer,
    strength: float,
    importance: Optional[NDArray[np.floating]] = None,
    exclusive: bool = True,
) -> Layer:
    """Return the layer that minimises

        sum_i importance_i CE(targets_i, p(features_i)) + strength / 2 |theta - towards|^2.

    With `towards` zero this is logistic regression; with `towards` the weights of another task it is their adaptation
    (theta_s -> theta_t; Chelba & Acero 2004, equation 5).

    features: [n, d]; so that `strength` means the same for every head, they are brought to a root mean square length
        of 1 and the weights the other way. targets: [n, labels], probabilities (a row may be soft) or, where labels do
        not exclude each other, one probability a label. importance: [n]; None: all 1.
    """
    if not len(features):
        return towards
    size = float(np.sqrt(np.square(features, dtype=np.float64).sum(axis=1).mean())) or 1.0
    rows = np.c_[np.asarray(features, dtype=np.float64) / size, np.ones(len(features))]
    origin = np.c_[np.asarray(towards.weight, dtype=np.float64) * size, towards.bias]
    gold = np.asarray(targets, dtype=np.float64)
    weights = np.ones(len(rows)) if importance is None else np.asarray(importance, dtype=np.float64)

    def loss(flat: Floats) -> tuple[float, Floats]:
        theta = flat.reshape(origin.shape)
        away = theta - origin
        logs, probabilities = log_probabilities(rows @ theta.T, exclusive)
        value = float((weights * cross_entropy(gold, logs)).sum() + 0.5 * strength * np.square(away).sum())
        slope = (weights[:, None] * (probabilities - gold)).T @ rows + strength * away
        return value, slope.ravel()

    require("train", "scipy")
    from scipy.optimize import minimize

    options = {"gtol": TOLERANCE * max(1.0, float(weights.sum())), "ftol": 0.0, "maxiter": STEPS}
    theta = minimize(loss, origin.ravel(), jac=True, method="L-BFGS-B", options=options).x.reshape(origin.shape)
    return Layer((theta[:, :-1] / size).astype(np.float32), theta[:, -1].astype(np.float32))
