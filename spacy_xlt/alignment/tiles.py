"""Products of two large sets of rows, computed in tiles, of which only the best scores of each row are kept."""

from collections.abc import Iterator
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import Floats
from spacy_xlt.alignment.base import Integers

# The working memory of one entry of a tile: the similarity, its mask, and an index while the best are selected.
BYTES_PER_ENTRY = 20
BLOCK_ROWS = 2048
# If more than this number times k scores per row remain, a better threshold is computed.
MANY = 8
# Shorter rows count as rows of zeros because their inverse length overflows float32.
TINY = 1e-38


class Best:
    """The k best scores so far of each of n rows, and the indices of their candidates, best first."""

    def __init__(self, n: int, k: int) -> None:
        self.scores = np.full((n, k), -np.inf, dtype=np.float32)
        self.indices = np.full((n, k), -1, dtype=np.int32)

    def offer(self, start: int, tile: Floats, offset: int) -> None:
        """Update the best scores with a tile of scores.

        Nearly all scores are below the k-th best so far. One comparison removes them, and only the rest is sorted.

        Args:
            start: The first row of the tile.
            tile: The scores, `[b, t]`.
            offset: The first candidate of the tile.
        """
        k = self.scores.shape[1]
        floor = self.scores[start : start + len(tile), -1:]
        survives = tile > floor
        if np.count_nonzero(survives) > MANY * k * len(tile):
            survives = tile > np.maximum(floor, _below_kth_best(tile, k))
        if np.count_nonzero(survives) > tile.size // 4:  # There are ties, or the tile is not much wider than k.
            self._partition(start, np.arange(len(tile)), tile, offset)
            return
        # Read in memory order: a transposed tile is read along its columns.
        flat = np.flatnonzero(survives.ravel(order="K"))
        if tile.flags.c_contiguous:
            rows, columns = np.divmod(flat, tile.shape[1])
        else:
            columns, rows = np.divmod(flat, tile.shape[0])
            order = np.argsort(rows, kind="stable")
            rows, columns = rows[order], columns[order]
        counts = np.bincount(rows, minlength=len(tile))
        many = counts > 4 * MANY * k
        if many.any():
            self._partition(start, np.flatnonzero(many), tile[many], offset)
            few = ~many[rows]
            rows, columns, counts = rows[few], columns[few], np.where(many, 0, counts)
        if len(rows):
            self._insert(start, rows, columns, counts, tile, offset)

    def _partition(self, start: int, rows: Integers, tile: Floats, offset: int) -> None:
        """Merge whole rows `[len(rows), t]`."""
        k, width = self.scores.shape[1], tile.shape[1]
        columns = np.tile(np.arange(width), (len(tile), 1))
        if k < width:
            columns = np.argpartition(np.ascontiguousarray(tile), width - k, axis=1)[:, width - k :]
        self._merge(start + rows, np.take_along_axis(tile, columns, axis=1), columns + offset)

    def _insert(
        self, start: int, rows: Integers, columns: Integers, counts: Integers, tile: Floats, offset: int
    ) -> None:
        """Merge single entries that are sorted by row. `counts` is the number of entries of each row of the tile."""
        touched = np.flatnonzero(counts)
        slot = (np.cumsum(counts > 0) - 1)[rows]
        position = np.arange(len(rows)) - (np.cumsum(counts) - counts)[rows]
        scores = np.full((len(touched), counts.max()), -np.inf, dtype=np.float32)
        indices = np.full(scores.shape, -1, dtype=np.int32)
        scores[slot, position] = tile[rows, columns]
        indices[slot, position] = columns + offset
        self._merge(start + touched, scores, indices)

    def _merge(self, rows: Integers, scores: Floats, indices: NDArray[Any]) -> None:
        scores = np.concatenate([self.scores[rows], scores], axis=1)
        indices = np.concatenate([self.indices[rows], indices], axis=1)
        order = np.argsort(-scores, axis=1, kind="stable")[:, : self.scores.shape[1]]
        self.scores[rows] = np.take_along_axis(scores, order, axis=1)
        self.indices[rows] = np.take_along_axis(indices, order, axis=1)

    def mean(self) -> Floats:
        """Return the mean of the best scores of each row, `[n]`."""
        return np.asarray(self.scores.mean(axis=1, dtype=np.float64), dtype=np.float32)


def _below_kth_best(tile: Floats, k: int) -> Floats:
    """Return a value `[b, 1]` just below a lower bound of the k-th best score of each row, without sorting the rows.

    The columns are divided into groups. At least k scores reach the k-th largest maximum of the groups.
    """
    groups = MANY * k
    rounds = tile.shape[1] // groups
    if rounds < 2:
        return np.full((len(tile), 1), -np.inf, dtype=np.float32)
    maxima = tile[:, : rounds * groups].reshape(len(tile), rounds, groups).max(axis=1)
    bound = np.partition(np.ascontiguousarray(maxima), groups - k, axis=1)[:, groups - k, None]
    return np.nextafter(bound, np.float32(-np.inf))


class Side:
    """One side of the product. It is prepared block by block, so that the input is never copied as a whole.

    With r, two columns are added so that the product of both sides is the CSLS 2 cos - r(x) - r(y) in a single pass:
    [sqrt 2 x, -r(x), 1] [sqrt 2 y, 1, -r(y)]'.

    Args:
        rows: The rows, `[n, d]`.
        unit: Whether to scale the rows to unit length.
        r: The mean similarity `[n]` of each row to its nearest neighbors on the other side, for CSLS.
        column: Which of the two additional columns has the r of this side, 0 or 1.
    """

    def __init__(self, rows: NDArray[Any], unit: bool = True, r: Optional[Floats] = None, column: int = 0) -> None:
        self.rows, self.r, self.column = rows, r, column
        self.factors = _inverse_lengths(rows) if unit else np.ones(len(rows), dtype=np.float32)
        if r is not None:
            self.factors *= np.float32(np.sqrt(2))

    def block(self, start: int, stop: int) -> Floats:
        """Return the prepared rows from `start` to `stop`."""
        width = self.rows.shape[1]
        block = np.ones((stop - start, width + (0 if self.r is None else 2)), dtype=np.float32)
        np.multiply(self.rows[start:stop], self.factors[start:stop, None], out=block[:, :width])
        if self.r is not None:
            block[:, width + self.column] = -self.r[start:stop]
        return block


def scan(x: Side, y: Side, best_x: Optional[Best], best_y: Optional[Best], memory_mb: float) -> None:
    """Compute the product of both sides in tiles, and update the best scores of both.

    Args:
        x: The rows of the product.
        y: The columns of the product.
        best_x: The best scores of x, or None.
        best_y: The best scores of y, or None.
        memory_mb: The approximate working memory.
    """
    entries = max(int(memory_mb * 2**20 / BYTES_PER_ENTRY), 1)
    height = min(BLOCK_ROWS, len(x.rows), entries)
    width = min(max(entries // height, 1), len(y.rows))
    buffer = np.empty(height * width, dtype=np.float32)
    for top, bottom in ranges(len(x.rows), height):
        block = x.block(top, bottom)
        for left, right in ranges(len(y.rows), width):
            tile = buffer[: (bottom - top) * (right - left)].reshape(bottom - top, right - left)
            np.matmul(block, y.block(left, right).T, out=tile)
            if best_x is not None:
                best_x.offer(top, tile, left)
            if best_y is not None:
                best_y.offer(left, tile.T, top)


def _inverse_lengths(rows: NDArray[Any]) -> Floats:
    """Return 1 / length of each row `[n, d]`, and 0 for rows of zeros."""
    lengths = np.empty(len(rows))
    for start, stop in ranges(len(rows), BLOCK_ROWS):
        lengths[start:stop] = np.linalg.norm(rows[start:stop].astype(np.float64), axis=1)
    return np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > TINY).astype(np.float32)


def ranges(n: int, size: int) -> Iterator[tuple[int, int]]:
    """Split range(n) into parts of at most `size`, each as (start, stop)."""
    for start in range(0, n, size):
        yield start, min(start + size, n)
