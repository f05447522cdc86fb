"""From no dictionary: a first rotation between two spaces, by soft matching of their rows."""

import numpy as np

from spacy_xlt.alignment.affine import Floats
from spacy_xlt.alignment.invariants import comparable, invariants

FEATURES = 20
FEATURE_WEIGHT = 0.3
TEMPERATURE = 0.1
ROUNDS = 10
# The rotation is found when it maps rows to where it mapped them an iteration ago, by this mean cosine.
SETTLED = 0.999


def match_distributions(
    x: Floats, y: Floats, x_norms: Floats, y_norms: Floats, iterations: int = 50
) -> tuple[Floats, int]:
    """(W [d, d], iterations used): an orthogonal W such that the rows y W look like the rows x.

    x [n, d] and y [m, d]: centered unit rows, with their lengths before. Two things are done in turn:

    - Rows are matched softly, by the optimal transport P with entropy between them (Cuturi 2013, "Sinkhorn Distances";
      for word vectors Grave et al. 2018, "Unsupervised Alignment of Embeddings with Wasserstein Procrustes"). Alike are
      rows of like invariants and, from the second turn on, of like place in the axes found so far.
    - The cross-covariance Y' P' X = U S V' shows which axes of the two spaces belong together, and by S how sure that
      is: the place of a row is Y U (S / S_1)^1/4 and X V (S / S_1)^1/4.

    A single row's invariants say little (translations correlate at .2 to .4), but each axis gathers evidence from all
    rows, and each axis found makes the rows easier to tell apart. W = U V' in the end.
    """
    a, b = comparable(invariants(x, x_norms), invariants(y, y_norms), FEATURES)
    # -|a - b|^2, without its constant in the rows, which the transport does not see.
    features = FEATURE_WEIGHT * (2 * a @ b.T - (b**2).sum(axis=1))
    w = cross = np.zeros((x.shape[1], x.shape[1]), dtype=np.float32)
    for iteration in range(1, iterations + 1):
        similarity = features
        if iteration > 1:
            u, s, vt = np.linalg.svd(cross)
            weights = (s / max(s[0], np.finfo(np.float32).tiny)) ** 0.25
            similarity = features + 2 * _scaled(x @ (vt.T * weights)) @ _scaled(y @ (u * weights)).T
        cross = _transported(similarity, x, y)
        u, _, vt = np.linalg.svd(cross)
        before, w = w, u @ vt
        if np.mean(np.einsum("ij,ij->i", y @ before, y @ w)) > SETTLED:
            break
    return w, iteration


def _scaled(rows: Floats) -> Floats:
    """Rows of mean squared length 1."""
    return rows / max(np.sqrt(np.mean(np.einsum("ij,ij->i", rows, rows))), np.finfo(np.float32).tiny)


def _transported(similarity: Floats, x: Floats, y: Floats) -> Floats:
    """Y' P' X [d, d] with the transport plan P of a similarity [n, m] at our temperature; uniform marginals."""
    kernel = similarity - similarity.max(axis=1, keepdims=True)
    kernel /= TEMPERATURE
    np.exp(kernel, out=kernel)
    of_y = np.ones(len(y), dtype=np.float32)
    tiny = np.finfo(np.float32).tiny
    for _ in range(ROUNDS):
        of_x = 1 / np.maximum(kernel @ of_y, tiny)
        of_y = (len(x) / len(y)) / np.maximum(kernel.T @ of_x, tiny)
    return (kernel @ (y * of_y[:, None])).T @ (x * of_x[:, None])
