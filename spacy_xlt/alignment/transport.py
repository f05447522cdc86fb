"""A first rotation between two spaces without a dictionary, by soft matching of their rows."""

from typing import Optional

import numpy as np

from spacy_xlt.alignment.affine import Floats

FEATURES = 20
FEATURE_WEIGHT = 0.3
# The weight of an axis is this power of its singular value, half of it on each side.
CONFIDENCE = 0.2
TEMPERATURE = 0.07
ROUNDS = 10


def match_softly(
    x: Floats,
    y: Floats,
    sample: int,
    iterations: int,
    rng: np.random.Generator,
    features: Optional[tuple[Floats, Floats]] = None,
    start: Optional[Floats] = None,
) -> Floats:
    """Find an orthogonal W `[d, d]` that maps y close to x, as y W.

    Two steps alternate:

    - The rows are matched softly by entropic optimal transport P, among random samples of both sides. The similarity of
      two rows is that of their features and of their coordinates.
    - The cross-covariance Y' P' X = U S V' shows which axes of the two spaces correspond, and S shows how reliable each
      axis is. Then W = U V', and the coordinates of the rows are Y U (S / S_1)^c and X V (S / S_1)^c.

    The features of a single row are weak evidence, but each axis combines the evidence of all rows. Each axis found
    then makes the rows easier to match.

    Args:
        x: Unit rows, `[n, d]`.
        y: Unit rows, `[m, d]`.
        sample: The number of rows of each side in an iteration.
        iterations: The number of iterations.
        rng: Random numbers.
        features: The features of x, `[n, f]`, and of y, `[m, f]`.
        start: A first W. Features or a first W are needed.

    References:
        Cuturi (2013), Sinkhorn Distances: Lightspeed Computation of Optimal Transport. For word vectors: Grave et al.
        (2018), Unsupervised Alignment of Embeddings with Wasserstein Procrustes.
    """
    u = s = vt = None
    if start is not None:
        u, s, vt = start, np.ones(len(start), dtype=np.float32), np.eye(len(start), dtype=np.float32)
    for _ in range(iterations):
        i, j = rng.permutation(len(x))[:sample], rng.permutation(len(y))[:sample]
        of_x, of_y = x[i], y[j]
        similarity = np.zeros((len(of_x), len(of_y)), dtype=np.float32)
        if features is not None:
            a, b = features[0][i], features[1][j]
            # -|a - b|^2 without the term that is constant in each row, which does not change the transport.
            similarity += FEATURE_WEIGHT * (2 * a @ b.T - np.einsum("ij,ij->i", b, b))
        if u is not None and s is not None and vt is not None:
            sure = (s / max(s[0], np.finfo(np.float32).tiny)) ** (CONFIDENCE / 2)
            similarity += 2 * _scaled(of_x @ (vt.T * sure)) @ _scaled(of_y @ (u * sure)).T
        u, s, vt = np.linalg.svd(transported(similarity, of_x, of_y))
    assert u is not None and vt is not None
    return np.asarray(u @ vt)


def transported(similarity: Floats, x: Floats, y: Floats) -> Floats:
    """Return Y' P' X `[d, d]`, where P is the transport plan `[n, m]` with uniform marginals.

    Args:
        similarity: The similarities, `[n, m]`. They are overwritten.
        x: Rows, `[n, d]`.
        y: Rows, `[m, d]`.
    """
    kernel = similarity
    kernel -= kernel.max(axis=1, keepdims=True)
    kernel /= TEMPERATURE
    np.exp(kernel, out=kernel)
    tiny = np.finfo(np.float32).tiny
    of_y = np.ones(len(y), dtype=np.float32)
    for _ in range(ROUNDS):
        of_x = 1 / np.maximum(kernel @ of_y, tiny)
        of_y = 1 / np.maximum(kernel.T @ of_x, tiny)
    return np.asarray((kernel @ (y * of_y[:, None])).T @ (x * of_x[:, None]))


def _scaled(rows: Floats) -> Floats:
    """Scale the rows to a mean squared length of 1."""
    return rows / max(np.sqrt(np.mean(np.einsum("ij,ij->i", rows, rows))), np.finfo(np.float32).tiny)
