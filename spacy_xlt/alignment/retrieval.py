"""Nearest neighbors between two embedding spaces by cosine similarity or CSLS, in bounded memory."""

from typing import Any, Literal, Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import Floats
from spacy_xlt.alignment.base import Integers
from spacy_xlt.alignment.tiles import BLOCK_ROWS, Best, Side, ranges, scan
from spacy_xlt.errors import XltError
from spacy_xlt.vectors import unit_rows

Metric = Literal["cosine", "csls", "dot"]

NEIGHBORHOOD = 10
MEMORY_MB = 64


def nearest(
    queries: NDArray[Any],
    keys: NDArray[Any],
    k: int = 1,
    *,
    metric: Metric = "csls",
    neighborhood: int = NEIGHBORHOOD,
    key_similarity: Optional[Floats] = None,
    memory_mb: float = MEMORY_MB,
) -> tuple[Integers, Floats]:
    """Find the k nearest keys of each query.

    Args:
        queries: The rows to look up, `[n, d]`.
        keys: The rows to search, `[m, d]`.
        k: The number of keys to find.
        metric: "cosine"; "dot", the inner product of the unscaled rows; or "csls" (cross-domain similarity local
            scaling), which penalizes hubs: CSLS(x, y) = 2 cos(x, y) - r(x) - r(y), where r is the mean cosine
            similarity to the nearest rows of the other side. A row of zeros has the cosine similarity 0 to every row.
        neighborhood: The number of nearest rows in r.
        key_similarity: r of the keys, `[m]`. Pass it if it is already known, or if it should be computed over more rows
            than the queries: `neighborhood_similarity(keys, all_rows_of_the_query_language)`.
        memory_mb: The approximate working memory, in addition to the input and the result.

    Returns:
        The indices `[n, k]` of the keys and their scores `[n, k]`, best first. The order of equal scores is not
        specified.

    Raises:
        XltError: The rows contain NaN, there are no rows, the widths differ, or k is larger than m.

    References:
        Conneau et al. (2018), Word Translation Without Parallel Data, equation 4.
    """
    x, y = _check(queries, keys)
    if not 1 <= k <= len(y):
        raise XltError(f"k is {k}, but there are {len(y)} keys. Choose k from 1 to {len(y)}.")
    best = Best(len(x), k)
    scan(*_sides(x, y, metric, neighborhood, memory_mb, key_similarity), best, None, memory_mb)
    if (best.indices < 0).any():
        raise XltError("The products of these embeddings overflow float32. Scale the embeddings down.")
    return best.indices.astype(np.int64), best.scores


def neighborhood_similarity(
    queries: NDArray[Any], keys: NDArray[Any], k: int = NEIGHBORHOOD, *, memory_mb: float = MEMORY_MB
) -> Floats:
    """Return the mean cosine similarity `[n]` of each query `[n, d]` to its k nearest keys `[m, d]`.

    If there are fewer than k keys, it is the mean over all keys.
    """
    x, y = _check(queries, keys)
    best = Best(len(x), _neighborhood(k, y))
    scan(Side(x), Side(y), best, None, memory_mb)
    return best.mean()


def mutual_nearest(
    x: NDArray[Any],
    y: NDArray[Any],
    *,
    metric: Metric = "csls",
    neighborhood: int = NEIGHBORHOOD,
    memory_mb: float = MEMORY_MB,
) -> Integers:
    """Find the pairs of rows that are each other's nearest neighbors.

    Args:
        x: Rows, `[n, d]`.
        y: Rows, `[m, d]`.
        metric: See `nearest`, as for the other arguments.

    Returns:
        The pairs `[p, 2]` (row of x, row of y), sorted by the row of x.
    """
    return scored_mutual_nearest(x, y, metric=metric, neighborhood=neighborhood, memory_mb=memory_mb)[0]


def scored_mutual_nearest(
    x: NDArray[Any],
    y: NDArray[Any],
    *,
    metric: Metric = "csls",
    neighborhood: int = NEIGHBORHOOD,
    memory_mb: float = MEMORY_MB,
) -> tuple[Integers, Floats]:
    """Return the pairs `[p, 2]` of `mutual_nearest` and the similarity `[p]` of each pair, at no additional cost."""
    x, y = _check(x, y)
    best_x, best_y = Best(len(x), 1), Best(len(y), 1)
    scan(*_sides(x, y, metric, neighborhood, memory_mb), best_x, best_y, memory_mb)
    partner = best_x.indices[:, 0].astype(np.int64)
    rows = np.flatnonzero(best_y.indices[partner, 0] == np.arange(len(x)))
    return np.stack([rows, partner[rows]], axis=1), best_x.scores[rows, 0]


def mean_csls(
    x: NDArray[Any],
    y: NDArray[Any],
    pairs: Optional[NDArray[Any]] = None,
    *,
    neighborhood: int = NEIGHBORHOOD,
    memory_mb: float = MEMORY_MB,
) -> float:
    """Return the mean CSLS of pairs of rows. It measures how well two spaces are aligned.

    Args:
        x: Rows, `[n, d]`.
        y: Rows, `[m, d]`.
        pairs: The pairs `[p, 2]`. The default is the mutual nearest neighbors, which need no dictionary.
        neighborhood: See `nearest`.
        memory_mb: See `nearest`.

    Returns:
        The mean, or minus infinity without pairs, so that any other alignment is better.

    References:
        Conneau et al. (2018), Word Translation Without Parallel Data, section 3.5 (they select models by a similar
        score).
    """
    if pairs is None:
        scores = scored_mutual_nearest(x, y, neighborhood=neighborhood, memory_mb=memory_mb)[1]
        return float(scores.mean(dtype=np.float64)) if len(scores) else float("-inf")
    x, y = _check(x, y)
    if not len(pairs):
        return float("-inf")
    r_x, r_y = _neighborhoods(x, y, neighborhood, memory_mb, None)
    rows, partners = np.asarray(pairs).T
    cosines = np.einsum("ij,ij->i", unit_rows(x[rows]), unit_rows(y[partners]))
    return float((2 * cosines - r_x[rows] - r_y[partners]).mean(dtype=np.float64))


def hubness(indices: NDArray[Any], n_keys: int) -> float:
    """Return the skewness of the k-occurrences. It is high if a few keys are the nearest neighbors of many queries.

    The k-occurrence N of a key is the number of times that it is among the nearest keys of a query. The skewness is
    E[(N - mu)^3] / sigma^3 over all keys.

    Args:
        indices: The nearest keys of each query, `[n, k]`.
        n_keys: The number of keys.

    Returns:
        The skewness. It is 0 for a symmetric distribution, and if all keys occur equally often.

    References:
        Radovanović et al. (2010), Hubs in Space: Popular Nearest Neighbors in High-Dimensional Data, equation 1.
    """
    counts = np.bincount(np.asarray(indices).ravel(), minlength=n_keys).astype(np.float64)
    centered = counts - counts.mean()
    deviation = np.sqrt((centered**2).mean())
    return float((centered**3).mean() / deviation**3) if deviation > 0 else 0.0


def _sides(
    x: NDArray[Any],
    y: NDArray[Any],
    metric: str,
    neighborhood: int,
    memory_mb: float,
    r_y: Optional[Floats] = None,
) -> tuple[Side, Side]:
    """Return the two sides whose product is the metric. For CSLS, a first scan computes r of both sides."""
    if metric in ("cosine", "dot"):
        return Side(x, metric == "cosine"), Side(y, metric == "cosine")
    if metric != "csls":
        raise XltError(f"There is no metric '{metric}'. Choose 'cosine', 'csls' or 'dot'.")
    r_x, r_y = _neighborhoods(x, y, neighborhood, memory_mb, r_y)
    return Side(x, r=r_x, column=0), Side(y, r=r_y, column=1)


def _neighborhoods(
    x: NDArray[Any], y: NDArray[Any], neighborhood: int, memory_mb: float, r_y: Optional[Floats]
) -> tuple[Floats, Floats]:
    """Return r of both sides, from a single scan."""
    best_x = Best(len(x), _neighborhood(neighborhood, y))
    if r_y is not None:
        if np.shape(r_y) != (len(y),) or not np.isfinite(r_y).all():
            raise XltError(
                f"key_similarity has the shape {np.shape(r_y)} for {len(y)} keys. Pass one finite number for each key."
            )
        scan(Side(x), Side(y), best_x, None, memory_mb)
        return best_x.mean(), np.asarray(r_y, dtype=np.float32)
    best_y = Best(len(y), _neighborhood(neighborhood, x))
    scan(Side(x), Side(y), best_x, best_y, memory_mb)
    return best_x.mean(), best_y.mean()


def _neighborhood(k: int, others: NDArray[Any]) -> int:
    if k < 1:
        raise XltError(f"The neighborhood is {k}. It must be at least 1.")
    return min(k, len(others))


def _check(x: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return both as arrays. Raises XltError if they cannot be compared."""
    x, y = np.asarray(x), np.asarray(y)
    for rows in (x, y):
        if rows.ndim != 2 or not len(rows):
            raise XltError(f"Retrieval needs embeddings [n, d] on both sides, but an array has the shape {rows.shape}.")
        for start, stop in ranges(len(rows), BLOCK_ROWS):
            if not np.isfinite(rows[start:stop]).all():
                raise XltError("The embeddings contain NaN or infinite values. Remove those rows.")
    if x.shape[1] != y.shape[1]:
        raise XltError(
            f"The two sides have {x.shape[1]} and {y.shape[1]} dimensions. Use embeddings of the same space."
        )
    return x, y
