"""Nearest neighbours between two embedding spaces by cosine or CSLS, tile by tile: memory does not grow with n x m."""

from collections.abc import Iterator
from typing import Any, Literal, Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import Floats
from spacy_xlt.errors import XltError

Integers = NDArray[np.int64]
Metric = Literal["cosine", "csls"]

NEIGHBORHOOD = 10
MEMORY_MB = 128
# Working memory of one entry of a tile: the similarity, its mask, and an index while the best are picked.
BYTES_PER_ENTRY = 20
BLOCK_ROWS = 2048
# A row with more survivors of the threshold than so many times k is partitioned instead of sorted.
HEAVY = 4


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
    metric: "cosine", or "csls", cross-domain similarity local scaling (Conneau et al. 2018, "Word Translation Without
        Parallel Data", equation 4), which takes hubs down: CSLS(x, y) = 2 cos(x, y) - r(x) - r(y), where r is the mean
        cosine with the `neighborhood` nearest rows of the other side (all of them where there are fewer).
    key_similarity: r of the keys [m] when it is known already, or is to be taken over more rows than the queries:
        `neighborhood_similarity(keys, all_rows_of_the_query_language)`.
    memory_mb: working memory beside the input and the results, about.
    Equal scores come in an order that is not specified. Raises XltError for NaN, no rows, different widths, k > m.
    """
    x, y = _check(queries, keys)
    if not 1 <= k <= len(y):
        raise XltError(f"The {k} nearest of {len(y)} rows were asked for: choose k from 1 to {len(y)}.")
    best = _Best(len(x), k)
    if metric == "csls":
        r_x, r_y = _neighborhoods(x, y, neighborhood, memory_mb, key_similarity)
        _scan(_Side(x, 2.0, r_x, first=True), _Side(y, 1.0, r_y, first=False), best, None, memory_mb)
    else:
        _check_metric(metric)
        _scan(_Side(x), _Side(y), best, None, memory_mb)
    return best.indices.astype(np.int64), best.scores


def neighborhood_similarity(
    queries: NDArray[Any], keys: NDArray[Any], k: int = NEIGHBORHOOD, *, memory_mb: float = MEMORY_MB
) -> Floats:
    """r [n]: the mean cosine of each query with its k nearest keys (with all keys where there are fewer than k)."""
    x, y = _check(queries, keys)
    best = _Best(len(x), _neighborhood(k, y))
    _scan(_Side(x), _Side(y), best, None, memory_mb)
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
    best_x, best_y = _Best(len(x), 1), _Best(len(y), 1)
    if metric == "csls":
        r_x, r_y = _neighborhoods(x, y, neighborhood, memory_mb, None)
        _scan(_Side(x, 2.0, r_x, first=True), _Side(y, 1.0, r_y, first=False), best_x, best_y, memory_mb)
    else:
        _check_metric(metric)
        _scan(_Side(x), _Side(y), best_x, best_y, memory_mb)
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
    cosines = np.einsum("ij,ij->i", _unit(x[rows]), _unit(y[partners]))
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


class _Best:
    """The k best scores seen so far of each of n rows, and where they were seen; best first."""

    def __init__(self, n: int, k: int) -> None:
        self.scores = np.full((n, k), -np.inf, dtype=np.float32)
        self.indices = np.full((n, k), -1, dtype=np.int32)

    def offer(self, start: int, tile: Floats, offset: int) -> None:
        """Take in the scores `tile` [b, t] of the rows from `start` on, for the candidates from `offset` on.

        Nearly all scores fall under the k-th best so far and are dropped by one comparison; only the rest is sorted.
        """
        k = self.scores.shape[1]
        survives = tile > self.scores[start : start + len(tile), -1:]
        if np.count_nonzero(survives) > tile.size // 4:
            self._partition(start, np.arange(len(tile)), tile, offset)
            return
        # In the order of memory: a transposed tile is walked along its columns.
        flat = np.flatnonzero(survives.ravel(order="K"))
        if tile.flags.c_contiguous:
            rows, columns = np.divmod(flat, tile.shape[1])
        else:
            columns, rows = np.divmod(flat, tile.shape[0])
            order = np.argsort(rows, kind="stable")
            rows, columns = rows[order], columns[order]
        counts = np.bincount(rows, minlength=len(tile))
        heavy = counts > HEAVY * k
        if heavy.any():
            self._partition(start, np.flatnonzero(heavy), tile[heavy], offset)
            light = ~heavy[rows]
            rows, columns = rows[light], columns[light]
            counts[heavy] = 0
        if len(rows):
            self._insert(start, rows, columns, counts, tile, offset)

    def _partition(self, start: int, rows: Integers, tile: Floats, offset: int) -> None:
        """Merge whole rows [len(rows), t]."""
        k, width = self.scores.shape[1], tile.shape[1]
        columns = np.tile(np.arange(width), (len(tile), 1))
        if k < width:
            tile = np.ascontiguousarray(tile)
            columns = np.argpartition(tile, width - k, axis=1)[:, width - k :]
        self._merge(start + rows, np.take_along_axis(tile, columns, axis=1), columns + offset)

    def _insert(
        self, start: int, rows: Integers, columns: Integers, counts: Integers, tile: Floats, offset: int
    ) -> None:
        """Merge single entries, sorted by row."""
        touched = np.flatnonzero(counts)
        slot = np.cumsum(counts > 0)[rows] - 1
        position = np.arange(len(rows)) - (np.cumsum(counts) - counts)[rows]
        scores = np.full((len(touched), counts.max()), -np.inf, dtype=np.float32)
        indices = np.full(scores.shape, -1, dtype=np.int64)
        scores[slot, position] = tile[rows, columns]
        indices[slot, position] = columns + offset
        self._merge(start + touched, scores, indices)

    def _merge(self, rows: Integers, scores: Floats, indices: Integers) -> None:
        scores = np.concatenate([self.scores[rows], scores], axis=1)
        indices = np.concatenate([self.indices[rows], indices], axis=1)
        order = np.argsort(-scores, axis=1, kind="stable")[:, : self.scores.shape[1]]
        self.scores[rows] = np.take_along_axis(scores, order, axis=1)
        self.indices[rows] = np.take_along_axis(indices, order, axis=1)

    def mean(self) -> Floats:
        return np.asarray(self.scores.mean(axis=1, dtype=np.float64), dtype=np.float32)


class _Side:
    """One side of the product, unit rows made block by block so that the input is never copied as a whole.

    With r two columns are added, so that the product of both sides is 2 cos - r(x) - r(y) without a further pass:
    [2 x, -r(x), 1] [y, 1, -r(y)]'.
    """

    def __init__(self, rows: NDArray[Any], scale: float = 1.0, r: Optional[Floats] = None, first: bool = True) -> None:
        self.rows, self.scale, self.r, self.first = rows, scale, r, first

    def block(self, start: int, stop: int) -> Floats:
        unit = _unit(self.rows[start:stop])
        if self.r is None:
            return unit
        minus_r = -self.r[start:stop, None]
        ones = np.ones_like(minus_r)
        return np.concatenate([unit * np.float32(self.scale), *((minus_r, ones) if self.first else (ones, minus_r))], 1)


def _scan(x: _Side, y: _Side, best_x: Optional[_Best], best_y: Optional[_Best], memory_mb: float) -> None:
    """Offer every entry of the product of both sides to the best of x (along rows) and of y (along columns)."""
    entries = max(int(memory_mb * 2**20 / BYTES_PER_ENTRY), 1)
    height = min(BLOCK_ROWS, len(x.rows), entries)
    width = min(max(entries // height, 1), len(y.rows))
    buffer = np.empty(height * width, dtype=np.float32)
    for top, bottom in _ranges(len(x.rows), height):
        block = x.block(top, bottom)
        for left, right in _ranges(len(y.rows), width):
            tile = buffer[: (bottom - top) * (right - left)].reshape(bottom - top, right - left)
            np.matmul(block, y.block(left, right).T, out=tile)
            if best_x is not None:
                best_x.offer(top, tile, left)
            if best_y is not None:
                best_y.offer(left, tile.T, top)


def _ranges(n: int, size: int) -> Iterator[tuple[int, int]]:
    for start in range(0, n, size):
        yield start, min(start + size, n)


def _neighborhoods(
    x: NDArray[Any], y: NDArray[Any], neighborhood: int, memory_mb: float, r_y: Optional[Floats]
) -> tuple[Floats, Floats]:
    """r of both sides, from one product."""
    best_x = _Best(len(x), _neighborhood(neighborhood, y))
    if r_y is not None:
        if r_y.shape != (len(y),):
            raise XltError(f"key_similarity has shape {r_y.shape} for {len(y)} keys: give one number a key.")
        _scan(_Side(x), _Side(y), best_x, None, memory_mb)
        return best_x.mean(), np.asarray(r_y, dtype=np.float32)
    best_y = _Best(len(y), _neighborhood(neighborhood, x))
    _scan(_Side(x), _Side(y), best_x, best_y, memory_mb)
    return best_x.mean(), best_y.mean()


def _neighborhood(k: int, others: NDArray[Any]) -> int:
    if k < 1:
        raise XltError(f"A neighborhood is a number of rows from 1 on, not {k}.")
    return min(k, len(others))


def _unit(rows: NDArray[Any]) -> Floats:
    """Rows [n, d] at unit length, float32; rows of zeros stay zeros."""
    rows = np.asarray(rows, dtype=np.float32)
    norms = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    return rows / np.where(norms > np.finfo(np.float32).tiny, norms, np.float32(np.inf))


def _check(x: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Both as arrays; raise XltError if they cannot be compared."""
    x, y = np.asarray(x), np.asarray(y)
    for rows in (x, y):
        if rows.ndim != 2 or not len(rows):
            raise XltError(f"Retrieval needs rows of embeddings [n, d] on both sides, not an array {rows.shape}.")
        for start, stop in _ranges(len(rows), BLOCK_ROWS):
            if not np.isfinite(rows[start:stop]).all():
                raise XltError("Retrieval got embeddings that hold NaN or infinite values: leave those rows out.")
    if x.shape[1] != y.shape[1]:
        raise XltError(f"The two sides have {x.shape[1]} and {y.shape[1]} dimensions: they come from different spaces.")
    return x, y


def _check_metric(metric: str) -> None:
    if metric != "cosine":
        raise XltError(f"There is no metric '{metric}': choose 'cosine' or 'csls'.")
