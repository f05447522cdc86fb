"""Nearest neighbours between two embedding spaces by cosine or CSLS, tile by tile: memory does not grow with n x m."""

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
    """The k best keys of each query, best first: (indices [n, k], scores [n, k]).

    queries [n, d] and keys [m, d] are compared by their directions; a row of zeros has cosine 0 with everything.
    metric: "cosine"; "dot", the inner product of the rows as they are; or "csls", cross-domain similarity local scaling
        (Conneau et al. 2018, "Word Translation Without Parallel Data", equation 4), which takes hubs down:
        CSLS(x, y) = 2 cos(x, y) - r(x) - r(y), where r is the mean cosine with the `neighborhood` nearest rows of the
        other side (all of them where there are fewer).
    key_similarity: r of the keys [m] when it is known already, or is to be taken over more rows than the queries:
        `neighborhood_similarity(keys, all_rows_of_the_query_language)`.
    memory_mb: working memory beside the input and the results, about.
    Equal scores come in an order that is not specified. Raises XltError for NaN, no rows, different widths, k > m.
    """
    x, y = _check(queries, keys)
    if not 1 <= k <= len(y):
        raise XltError(f"The {k} nearest of {len(y)} rows were asked for: choose k from 1 to {len(y)}.")
    best = Best(len(x), k)
    scan(*_sides(x, y, metric, neighborhood, memory_mb, key_similarity), best, None, memory_mb)
    if (best.indices < 0).any():
        raise XltError("Products of these embeddings are beyond float32: bring them to a smaller scale.")
    return best.indices.astype(np.int64), best.scores


def neighborhood_similarity(
    queries: NDArray[Any], keys: NDArray[Any], k: int = NEIGHBORHOOD, *, memory_mb: float = MEMORY_MB
) -> Floats:
    """r [n]: the mean cosine of each query with its k nearest keys (with all keys where there are fewer than k)."""
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
    """Pairs [p, 2] (row of x, row of y) that are each other's nearest, in the order of x. See `nearest`."""
    return scored_mutual_nearest(x, y, metric=metric, neighborhood=neighborhood, memory_mb=memory_mb)[0]


def scored_mutual_nearest(
    x: NDArray[Any],
    y: NDArray[Any],
    *,
    metric: Metric = "csls",
    neighborhood: int = NEIGHBORHOOD,
    memory_mb: float = MEMORY_MB,
) -> tuple[Integers, Floats]:
    """(pairs [p, 2], scores [p]): `mutual_nearest` with the similarity of each pair, at no more cost."""
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
    """The mean CSLS of pairs [p, 2], by default of the mutual nearest neighbours: how well two spaces lie together.

    It needs no dictionary; Conneau et al. 2018 (section 3.5) choose their models by a score of this kind.
    Minus infinity when there is no pair, so that any other alignment is better.
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
    """The skewness of the k-occurrences: how far a few keys are among the nearest of very many queries.

    N(y) is how often key y stands in `indices` [n, k], the k nearest of each query; the result is the third
    standardized moment E[(N - mu)^3] / sigma^3 over all keys (Radovanovic et al. 2010, "Hubs in Space", equation 1).
    0 is an even distribution; 0 also where every key occurs equally often.
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
    """The two sides whose product is the metric; for CSLS the similarities r are found first, both in one scan."""
    if metric in ("cosine", "dot"):
        return Side(x, metric == "cosine"), Side(y, metric == "cosine")
    if metric != "csls":
        raise XltError(f"There is no metric '{metric}': choose 'cosine', 'csls' or 'dot'.")
    r_x, r_y = _neighborhoods(x, y, neighborhood, memory_mb, r_y)
    return Side(x, r=r_x, column=0), Side(y, r=r_y, column=1)


def _neighborhoods(
    x: NDArray[Any], y: NDArray[Any], neighborhood: int, memory_mb: float, r_y: Optional[Floats]
) -> tuple[Floats, Floats]:
    """r of both sides, from one product."""
    best_x = Best(len(x), _neighborhood(neighborhood, y))
    if r_y is not None:
        if np.shape(r_y) != (len(y),) or not np.isfinite(r_y).all():
            raise XltError(f"key_similarity {np.shape(r_y)} does not fit {len(y)} keys: give one finite number a key.")
        scan(Side(x), Side(y), best_x, None, memory_mb)
        return best_x.mean(), np.asarray(r_y, dtype=np.float32)
    best_y = Best(len(y), _neighborhood(neighborhood, x))
    scan(Side(x), Side(y), best_x, best_y, memory_mb)
    return best_x.mean(), best_y.mean()


def _neighborhood(k: int, others: NDArray[Any]) -> int:
    if k < 1:
        raise XltError(f"A neighborhood is a number of rows from 1 on, not {k}.")
    return min(k, len(others))


def _check(x: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Both as arrays; raise XltError if they cannot be compared."""
    x, y = np.asarray(x), np.asarray(y)
    for rows in (x, y):
        if rows.ndim != 2 or not len(rows):
            raise XltError(f"Retrieval needs rows of embeddings [n, d] on both sides, not an array {rows.shape}.")
        for start, stop in ranges(len(rows), BLOCK_ROWS):
            if not np.isfinite(rows[start:stop]).all():
                raise XltError("Retrieval got embeddings that hold NaN or infinite values: leave those rows out.")
    if x.shape[1] != y.shape[1]:
        raise XltError(f"The two sides have {x.shape[1]} and {y.shape[1]} dimensions: they come from different spaces.")
    return x, y
