"""Fitting the output layer of a head on vectors: softmax or sigmoid, soft labels, a pull towards known weights."""

from collections.abc import Callable
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.serving.head import Layer

Floats = NDArray[np.float64]
# Of the gradient's largest entry, a text. Far below what any prediction notices.
TOLERANCE = 1e-5
STEPS, MEMORY = 200, 10


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

    theta = minimize(loss, origin.ravel(), TOLERANCE * max(1.0, float(weights.sum()))).reshape(origin.shape)
    return Layer((theta[:, :-1] / size).astype(np.float32), theta[:, -1].astype(np.float32))


def log_probabilities(scores: Floats, exclusive: bool) -> tuple[tuple[Floats, Floats], Floats]:
    """((log p, log (1 - p)), p) of scores [n, labels]; the second logarithm is 0 where labels exclude each other."""
    if exclusive:
        logs = scores - scores.max(axis=1, keepdims=True)
        logs -= np.log(np.exp(logs).sum(axis=1, keepdims=True))
        return (logs, np.zeros_like(logs)), np.exp(logs)
    logs, others = -np.logaddexp(0.0, -scores), -np.logaddexp(0.0, scores)
    return (logs, others), np.exp(logs)


def cross_entropy(gold: Floats, logs: tuple[Floats, Floats]) -> Floats:
    """Of each row [n]."""
    return np.asarray(-(gold * logs[0] + (1.0 - gold) * logs[1]).sum(axis=1))


def minimize(loss: Callable[[Floats], tuple[float, Floats]], start: Floats, tolerance: float) -> Floats:
    """L-BFGS (Nocedal & Wright 2006, algorithm 7.4) with backtracking, for convex losses with a gradient."""
    point = start.copy()
    value, slope = loss(point)
    moves: list[tuple[Floats, Floats]] = []
    for _ in range(STEPS):
        if np.abs(slope).max(initial=0.0) <= tolerance:
            break
        step = -_two_loops(slope, moves)
        descent = float(step @ slope)
        length = 1.0 if moves else 1.0 / max(1.0, float(np.linalg.norm(slope)))
        while length > 1e-10:
            candidate = point + length * step
            new_value, new_slope = loss(candidate)
            if new_value <= value + 1e-4 * length * descent:
                break
            length *= 0.5
        else:
            break
        moved, turned = candidate - point, new_slope - slope
        if float(moved @ turned) > 1e-12:
            moves = [*moves[-MEMORY + 1 :], (moved, turned)]
        point, value, slope = candidate, new_value, new_slope
    return point


def _two_loops(slope: Floats, moves: list[tuple[Floats, Floats]]) -> Floats:
    """The inverse Hessian, as the last moves tell it, times the gradient."""
    result = slope.copy()
    shares = []
    for moved, turned in reversed(moves):
        share = float(moved @ result) / float(moved @ turned)
        shares.append(share)
        result -= share * turned
    if moves:
        moved, turned = moves[-1]
        result *= float(moved @ turned) / float(turned @ turned)
    for (moved, turned), share in zip(moves, reversed(shares)):
        result += (share - float(turned @ result) / float(moved @ turned)) * moved
    return result
