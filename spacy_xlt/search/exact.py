"""Exact search: the products of queries with all vectors, in blocks, of which the best are kept."""

from typing import Optional

import numpy as np

from spacy_xlt.alignment.affine import Floats
from spacy_xlt.alignment.base import Integers

# The working memory for products is about 4 bytes * BLOCK_QUERIES * BLOCK_VECTORS.
BLOCK_QUERIES = 32
BLOCK_VECTORS = 262_144


def search_exact(
    vectors: Floats, queries: Floats, k: int, *, penalty: Optional[Floats] = None, rows: Optional[Integers] = None
) -> tuple[Integers, Floats]:
    """Find the k vectors with the highest product with each query.

    Args:
        vectors: The vectors to search, `[n, d]`. They may be mapped from a file.
        queries: The queries, `[q, d]`.
        k: The number of vectors to find.
        penalty: What is subtracted from twice the product, `[n]`: r(y) of CSLS. None: the product is not changed.
        rows: The rows to search, sorted; None: all.

    Returns:
        The rows `[q, min(k, rows)]` and their scores, best first. The order of equal scores is not
        specified.
    """
    total = len(vectors) if rows is None else len(rows)
    k = min(k, total)
    found = np.empty((len(queries), k), dtype=np.int64)
    scores = np.empty((len(queries), k), dtype=np.float32)
    for start in range(0, len(queries), BLOCK_QUERIES):
        block = slice(start, start + BLOCK_QUERIES)
        found[block], scores[block] = _search_block(vectors, queries[block], k, penalty, rows, total)
    return found, scores


def _search_block(
    vectors: Floats, queries: Floats, k: int, penalty: Optional[Floats], rows: Optional[Integers], total: int
) -> tuple[Integers, Floats]:
    best_rows = np.empty((len(queries), 0), dtype=np.int64)
    best = np.empty((len(queries), 0), dtype=np.float32)
    for start in range(0, total, BLOCK_VECTORS):
        stop = min(start + BLOCK_VECTORS, total)
        part: slice | Integers = slice(start, stop) if rows is None else rows[start:stop]
        products = queries @ vectors[part].T
        if penalty is not None:
            products = 2 * products - penalty[part]
        numbers = np.arange(start, stop) if rows is None else rows[start:stop]
        columns = _top(products, k)
        best_rows = np.concatenate([best_rows, numbers[columns]], axis=1)
        best = np.concatenate([best, np.take_along_axis(products, columns, axis=1)], axis=1)
        order = np.argsort(-best, axis=1, kind="stable")[:, :k]
        best_rows, best = np.take_along_axis(best_rows, order, axis=1), np.take_along_axis(best, order, axis=1)
    return best_rows, best


def _top(products: Floats, k: int) -> Integers:
    """The columns of the k highest products of each row, in any order."""
    width = products.shape[1]
    if k >= width:
        return np.tile(np.arange(width), (len(products), 1))
    return np.argpartition(products, width - k, axis=1)[:, width - k :]
