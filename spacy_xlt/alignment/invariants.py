"""Features of each row that do not change when the space is rotated."""

from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import Floats
from spacy_xlt.vectors import unit_rows

POWERS = (-1.0, -0.5, 0.5, 1.0, 2.0, 4.0)
# The exponents of the eigenvalues of the covariance: the original space, half whitened (as in VecMap), and whitened.
SPECTRA = (0.0, -0.25, -0.5)
# Eigenvalues below this share of the largest one are noise, which whitening would amplify.
SMALLEST_EIGENVALUE = 1e-3


def invariants(rows: Floats, norms: Floats) -> Floats:
    """Compute features of rows that do not change when all rows are rotated or reordered together.

    The paper recognizes a word by the sorted list of its similarities to all words. Here, moments of this distribution
    are used instead. They need no n x n matrix and are less noisy. With s the similarities of a row to all rows, and f
    a feature of those rows, they are E[s f], E[s^2 f] and E[s^2] in the original, the half whitened and the whitened
    space. The features f are the lengths and x' C^p x, with C the covariance. They are also features themselves.

    Args:
        rows: Rows of unit length, `[n, d]`.
        norms: The lengths `[n]` of the rows before they were scaled to unit length.

    Returns:
        The features, `[n, m]`.

    References:
        Artetxe et al. (2018), A Robust Self-Learning Method for Fully Unsupervised Cross-Lingual Mappings of Word
        Embeddings, section 3.2.
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
        shaped = unit_rows(coordinates * (values**spectrum).astype(np.float32))
        features.append(shaped @ (shaped.T @ weights / n))
        for weight in (*weights.T, np.ones_like(norms)):
            second = (shaped * weight[:, None]).T @ shaped / n
            features.append(np.einsum("ij,ij->i", shaped @ second, shaped)[:, None])
    return np.concatenate(features, axis=1)


def comparable(x: Floats, y: Floats, width: int) -> tuple[Floats, Floats]:
    """Make the features of two languages comparable.

    Each feature is replaced by the normal score of its rank within its language, so that its scale does not matter.
    Then both are projected on their common principal axes. The axes are half whitened, because the features are
    redundant but axes of small variance are mostly noise. The mean squared length of a row is 1.

    Args:
        x: The features of a language, `[n, m]`.
        y: The features of another language, `[k, m]`.
        width: The number of axes.

    Returns:
        The new features `[n, width]` and `[k, width]`.
    """
    x, y = normal_scores(x), normal_scores(y)
    values, axes = np.linalg.eigh(x.T.astype(np.float64) @ x / len(x) + y.T.astype(np.float64) @ y / len(y))
    kept = np.argsort(-values)[:width]
    kept = kept[values[kept] > 1e-6 * max(values[-1], np.finfo(np.float64).tiny)]
    scaled = (axes[:, kept] * values[kept] ** -0.25 / np.sqrt(np.sqrt(values[kept]).sum() / 2)).astype(np.float32)
    return x @ scaled, y @ scaled


def normal_scores(features: NDArray[Any]) -> Floats:
    """Replace each column of features `[n, m]` with the quantiles of the normal distribution at its ranks."""
    n = len(features)
    normal = NormalDist()
    scores = np.array([normal.inv_cdf((rank + 0.5) / n) for rank in range(n)], dtype=np.float32)
    ranks = features.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    return scores[ranks]
