"""Select the texts that are most useful to label."""

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.extras import require

# The number of neighbors that typicality is computed from.
NEIGHBORS = 20
# Larger clusters are represented by this many of their rows, because all pairs of rows are compared.
MAX_ROWS = 2000


def select_typical(vectors: Floats2d, n: int, seed: int = 0) -> NDArray[np.int64]:
    """Select diverse and typical texts with TypiClust.

    The texts are clustered into n clusters, and the most typical text of each cluster is selected. With few labels,
    this is more accurate than selecting texts that a model is uncertain about: see docs/zero-shot.md.

    Args:
        vectors: The embeddings of the texts, [texts, d].
        n: The number of texts to select.
        seed: The seed of the clustering.

    Returns:
        The rows [n], the most typical text of the largest cluster first. There are fewer if there are fewer different
        texts.

    References:
        Hacohen, Dekel & Weinshall (2022), "Active learning on a budget: opposite strategies suit high and low budgets",
        section 3.2 and equation 4 (typicality).
    """
    require("train", "sklearn")
    from sklearn.cluster import KMeans

    n = min(n, len(np.unique(vectors, axis=0)))
    if n == 0:
        return np.zeros(0, dtype=np.int64)
    clusters = KMeans(n, n_init=1, random_state=seed).fit_predict(vectors)
    members = [np.flatnonzero(clusters == number) for number in range(n)]
    members = sorted((rows for rows in members if len(rows)), key=lambda rows: -len(rows))
    return np.array([_most_typical(vectors, rows) for rows in members], dtype=np.int64)


def _most_typical(vectors: Floats2d, rows: NDArray[np.int64]) -> int:
    """Return the row with the lowest mean distance to its nearest neighbors."""
    rows = rows[:: -(-len(rows) // MAX_ROWS)]
    if len(rows) < 3:
        return int(rows[0])
    inside = vectors[rows].astype(np.float64)
    squares = np.square(inside).sum(axis=1)
    distances = np.sqrt(np.maximum(squares[:, None] + squares - 2.0 * inside @ inside.T, 0.0))
    np.fill_diagonal(distances, np.inf)
    nearest = np.sort(distances, axis=1)[:, : min(NEIGHBORS, len(rows) - 1)]
    return int(rows[nearest.mean(axis=1).argmin()])
