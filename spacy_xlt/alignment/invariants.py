"""What a rotation cannot change: features of each row that do not depend on the axes it is written in."""

from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import Floats

POWERS = (-1.0, -0.5, 0.5, 1.0, 2.0, 4.0)
# Exponents of the covariance's eigenvalues: the space as it is, half whitened (the root that VecMap takes), whitened.
SPECTRA = (0.0, -0.25, -0.5)
# Smaller eigenvalues than this share of the largest are noise, and whitening would blow them up.
SMALLEST_EIGENVALUE = 1e-3


def invariants(rows: Floats, norms: Floats) -> Floats:
    """Features [n, m] of unit rows [n, d] that stay the same when all rows are rotated or reordered together.

    Artetxe et al. 2018 ("A robust self-learning method for fully unsupervised cross-lingual mappings of word
    embeddings", section 3.2) know a word again by the sorted list of its similarities to all words. We take moments of
    that distribution, which need no n x n matrix and are less noisy: with s the similarities of a row to all rows and f
    a feature of those, E[s f], E[s^2 f] and E[s^2], in the space as it is, half whitened and whitened. The features f
    are the lengths and the places in the spectrum, x' C^p x with C the covariance; they are features themselves.
    norms: the rows' lengths [n] before they were brought to unit length.
    """
    n = np.float32(len(rows))
    values, axes = np.linalg.eigh(rows.T.astype(np.float64) @ rows / n)
    values = np.maximum(values, SMALLEST_EIGENVALUE * max(values[-1], np.finfo(np.float32).eps))
    coordinates = rows @ axes.astype(np.float32)
    powers = np.stack([values**power for power in POWERS], axis=1)
    own = np.concatenate([norms[:, None], coordinates**2 @ powers.astype(np.float32)], axis=1)
    weights = normal_scores(own)
    features = [own]
    for spectrum in SPECTRA:
        shaped = _unit(coordinates * (values**spectrum).astype(np.float32))
        features.append(shaped @ (shaped.T @ weights / n))
        for weight in (*weights.T, np.ones_like(norms)):
            second = (shaped * weight[:, None]).T @ shaped / n
            features.append(np.einsum("ij,ij->i", shaped @ second, shaped)[:, None])
    return np.concatenate(features, axis=1)


def comparable(x: Floats, y: Floats, width: int) -> tuple[Floats, Floats]:
    """Features [n, m] and [k, m] of two languages, made comparable: (x [n, width], y [k, width]).

    Each feature is replaced by the normal score of its rank within its language, so that the languages need not agree
    in its scale. Then the common principal axes are taken. They are half whitened: the features repeat each other, but
    axes of little variance are mostly noise. The mean squared length of a row is 1.
    """
    x, y = normal_scores(x), normal_scores(y)
    values, axes = np.linalg.eigh(x.T.astype(np.float64) @ x / len(x) + y.T.astype(np.float64) @ y / len(y))
    kept = np.argsort(-values)[:width]
    kept = kept[values[kept] > 1e-6 * max(values[-1], np.finfo(np.float64).tiny)]
    scaled = (axes[:, kept] * values[kept] ** -0.25 / np.sqrt(np.sqrt(values[kept]).sum() / 2)).astype(np.float32)
    return x @ scaled, y @ scaled


def normal_scores(features: NDArray[Any]) -> Floats:
    """Each column of [n, m] replaced by the quantiles of the normal distribution at its ranks."""
    n = len(features)
    normal = NormalDist()
    scores = np.array([normal.inv_cdf((rank + 0.5) / n) for rank in range(n)], dtype=np.float32)
    ranks = features.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    return scores[ranks]


def _unit(rows: NDArray[np.float32]) -> Floats:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float32).tiny)
