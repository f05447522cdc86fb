"""Bilingual lexicon induction: how high the translations of a word stand among all words of the other language."""

from collections.abc import Iterable, Sequence
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import Floats
from spacy_xlt.alignment.retrieval import neighborhood_similarity
from spacy_xlt.errors import XltError
from spacy_xlt.vectors import unit_rows

Integers = NDArray[np.int64]

PRECISIONS = (1, 5, 10)
# Entries of one block of similarities: 64 MB.
BLOCK = 1 << 24


def translations(pairs: Iterable[tuple[int, int]]) -> tuple[Integers, list[Integers]]:
    """Bring pairs (source row, target row) to queries [n] and the right target rows of each, in the pairs' order."""
    gold: dict[int, dict[int, None]] = {}
    for source, target in pairs:
        gold.setdefault(source, {})[target] = None
    return np.array(list(gold), dtype=np.int64), [np.array(list(rows), dtype=np.int64) for rows in gold.values()]


def ranks(queries: Floats, keys: Floats, gold: Sequence[Integers], key_similarity: Optional[Floats] = None) -> Integers:
    """The rank [n], from 1 on, of the best right key of each query among all keys.

    queries: [n, d]; keys: [m, d]; gold: the right keys of each query, at least one. Compared by cosine, or with
    key_similarity [m] (the mean cosine r(y) of each key with its nearest neighbours on the other side, see
    `alignment.retrieval`) by CSLS: 2 cos(x, y) - r(y); r(x) is left out, it is the same for all keys of a query.
    Wrong keys that are as similar as the best right one stand before it: an encoder that gives the same vector to
    everything finds nothing. Raises XltError where the numbers of rows do not fit.
    """
    if len(gold) != len(queries) or not all(len(right) for right in gold):
        raise XltError(f"There are {len(queries)} queries and right answers for {len(gold)}: each needs one or more.")
    penalty = np.zeros(len(keys), dtype=np.float32) if key_similarity is None else key_similarity / 2
    if penalty.shape != (len(keys),):
        raise XltError(f"key_similarity has the shape {penalty.shape} for {len(keys)} keys.")
    # Not unit_rows(keys): a copy of a large table.
    lengths = np.sqrt(np.einsum("ij,ij->i", keys, keys))
    scale = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    unit_queries = unit_rows(queries)
    found = np.empty(len(queries), dtype=np.int64)
    step = max(1, BLOCK // max(1, len(keys)))
    for start in range(0, len(queries), step):
        scores = unit_queries[start : start + step] @ keys.T * scale - penalty
        for i, row in enumerate(scores, start):
            right = row[gold[i]]
            best = right.max()
            found[i] = 1 + np.count_nonzero(row >= best) - np.count_nonzero(right >= best)
    return found


def precision_at(ranks: Integers, k: int) -> float:
    """P@k: the share of queries with a right answer among the first k."""
    return float((ranks <= k).mean())


def mean_reciprocal_rank(ranks: Integers) -> float:
    """MRR: the mean of 1 / rank."""
    return float((1 / ranks).mean())


def lexicon_figures(ranks: Integers) -> dict[str, float]:
    """{"p@1", "p@5", "p@10", "mrr"}, shares from 0 to 1. Raises XltError without a rank."""
    if not len(ranks):
        raise XltError("There is no word to evaluate: no pair of the dictionary has vectors on both sides.")
    figures = {f"p@{k}": precision_at(ranks, k) for k in PRECISIONS}
    return {**figures, "mrr": mean_reciprocal_rank(ranks)}


def induce_lexicon(
    source: Floats, target: Floats, pairs: Sequence[tuple[int, int]], neighbors: Optional[Floats] = None
) -> dict[str, Any]:
    """Look up the source words of pairs (source row, target row) among all target rows.

    source: [n, d]; target: [m, d]. neighbors: the source rows [s, d] among which CSLS looks for the neighbours of each
    target row; None: all of them. Returns {"words": how many different source words, "cosine": figures, "csls":
    figures}, the figures as `lexicon_figures` gives them. Raises XltError without a pair.
    """
    rows, gold = translations(pairs)
    by_cosine = lexicon_figures(ranks(source[rows], target, gold))
    similarity = neighborhood_similarity(target, source if neighbors is None else neighbors)
    return {
        "words": len(rows),
        "cosine": by_cosine,
        "csls": lexicon_figures(ranks(source[rows], target, gold, similarity)),
    }
