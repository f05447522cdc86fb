"""What a rotation cannot change: features of each row that depend on its similarities to the other rows only."""

from collections.abc import Iterator
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import Floats

POWERS = (-1.0, -0.5, 0.5, 1.0, 2.0, 4.0)
# Exponents of the covariance's eigenvalues: the space as it is, half whitened (the root of VecMap), whitened.
SPECTRA = (0.0, -0.25, -0.5)
SHARES = (0.0025, 0.0125, 0.05, 0.125)
QUANTILES = (0.25, 0.5, 0.75, 0.9, 0.98)
NEIGHBORS = 20
# Smaller eigenvalues than this share of the largest are noise, and whitening would blow them up.
SMALLEST_EIGENVALUE = 1e-3
BLOCK_ROWS = 1024


def invariants(rows: Floats, norms: Floats) -> Floats:
    """Features [n, m] of unit rows [n, d] that stay the same when all rows are rotated or reordered together.

    The distribution of each row's similarities to all others, sorted, in the space as it is, half whitened and whitened
    (Artetxe et al. 2018, "A robust self-learning method for fully unsupervised cross-lingual mappings of word
    embeddings", section 3.2, where the middle one is used) by means of its head, quantiles and moments; the row's place
    in the spectrum x' C^p x, C the covariance; and the means of some of these over the row's nearest neighbors, which
    are less noisy than the row's own.
    norms: the rows' lengths [n] before they were brought to unit length.
    """
    values, axes = np.linalg.eigh(rows.T.astype(np.float64) @ rows / len(rows))
    values = np.maximum(values, SMALLEST_EIGENVALUE * max(values[-1], np.finfo(np.float64).tiny))
    coordinates = rows @ axes.astype(np.float32)
    own = np.stack([norms, *(coordinates**2 @ values**power for power in POWERS)], axis=1).astype(np.float32)
    features = [own]
    for spectrum in SPECTRA:
        shaped = _unit(coordinates * (values**spectrum).astype(np.float32))
        features.extend(np.concatenate(part) for part in zip(*_similarity_features(shaped, own)))
    return np.concatenate(features, axis=1)


def _similarity_features(rows: Floats, own: Floats) -> Iterator[tuple[Floats, Floats]]:
    """For each block of rows: what its similarities to all rows look like, and `own` averaged over its neighbors."""
    n = len(rows)
    heads = [max(1, round(share * (n - 1))) for share in SHARES]
    k = min(NEIGHBORS, n - 1)
    for start in range(0, n, BLOCK_ROWS):
        block = rows[start : start + BLOCK_ROWS]
        similarity = block @ rows.T
        similarity[np.arange(len(block)), np.arange(start, start + len(block))] = -np.inf  # itself: sorted to the front
        neighbors = np.argpartition(similarity, n - k, axis=1)[:, n - k :]
        similarity.sort(axis=1)
        similarity = similarity[:, 1:]
        columns = [similarity[:, -head:].mean(axis=1) for head in heads]
        columns += [similarity[:, int(quantile * (n - 2))] for quantile in QUANTILES]
        columns += [(similarity**moment).mean(axis=1) for moment in (2, 3)]
        yield np.stack(columns, axis=1), own[neighbors].mean(axis=1)


def comparable(x: Floats, y: Floats, width: int) -> tuple[Floats, Floats]:
    """Features [n, m] and [k, m] of two languages, made comparable: (x [n, width], y [k, width]).

    Each feature is replaced by the normal score of its rank within its language, so that languages need not agree in
    its scale; then the common principal axes are taken, each with variance 1 / width.
    """
    x, y = _normal_scores(x), _normal_scores(y)
    values, axes = np.linalg.eigh(x.T.astype(np.float64) @ x / len(x) + y.T.astype(np.float64) @ y / len(y))
    keep = np.argsort(-values)[: min(width, int(np.sum(values > 1e-6 * values[-1])))]
    scaled = (axes[:, keep] / np.sqrt(values[keep] / 2 * len(keep))).astype(np.float32)
    return x @ scaled, y @ scaled


def _normal_scores(features: Floats) -> Floats:
    n = len(features)
    normal = NormalDist()
    scores = np.array([normal.inv_cdf((rank + 0.5) / n) for rank in range(n)], dtype=np.float32)
    ranks = features.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    return scores[ranks]


def _unit(rows: NDArray[np.float32]) -> Floats:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float32).tiny)
