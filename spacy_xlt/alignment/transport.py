"""From no dictionary: a first rotation between two spaces, by soft matching of their rows."""

from typing import Optional

import numpy as np

from spacy_xlt.alignment.affine import Floats

FEATURES = 20
FEATURE_WEIGHT = 0.3
# An axis is weighted by this power of its singular value: half of it on either side.
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
    """An orthogonal W [d, d] for unit rows x [n, d] and y [m, d], from `features` of the rows or a W to start from.

    Two things are done in turn:
    - Rows are matched softly, by the optimal transport P with entropy (Cuturi 2013, "Sinkhorn Distances"; for word
      vectors Grave et al. 2018, "Unsupervised Alignment of Embeddings with Wasserstein Procrustes"), among `sample`
      rows of either side that are drawn anew each time. Alike are rows of like features and of like place in the space.
    - The cross-covariance Y' P' X = U S V' shows which axes of the two spaces belong together, and by S how sure that
      is. W = U V'; the place of a row is Y U (S / S_1)^c and X V (S / S_1)^c.
    A single row's features say little (those of translations correlate at .2 to .5), but each axis gathers evidence
    from all rows, and each axis found makes the rows easier to tell apart.
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
            # -|a - b|^2 without its part that is constant in each row: the transport does not see it.
            similarity += FEATURE_WEIGHT * (2 * a @ b.T - np.einsum("ij,ij->i", b, b))
        if u is not None and s is not None and vt is not None:
            sure = (s / max(s[0], np.finfo(np.float32).tiny)) ** (CONFIDENCE / 2)
            similarity += 2 * _scaled(of_x @ (vt.T * sure)) @ _scaled(of_y @ (u * sure)).T
        u, s, vt = np.linalg.svd(transported(similarity, of_x, of_y))
    assert u is not None and vt is not None
    return np.asarray(u @ vt)


def transported(similarity: Floats, x: Floats, y: Floats) -> Floats:
    """Y' P' X [d, d], P the transport plan [n, m] of a similarity with uniform marginals. Overwrites similarity."""
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
    """Rows of mean squared length 1."""
    return rows / max(np.sqrt(np.mean(np.einsum("ij,ij->i", rows, rows))), np.finfo(np.float32).tiny)
