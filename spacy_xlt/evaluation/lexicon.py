"""Bilingual lexicon induction: the rank of a word's translations among all words of the other language."""

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
# The number of similarities in one block: 64 MB.
BLOCK = 1 << 24


def translations(pairs: Iterable[tuple[int, int]]) -> tuple[Integers, list[Integers]]:
    """Group pairs of rows by their source row.

    Args:
        pairs: Pairs (source row, target row).

    Returns:
        The distinct source rows `[n]` in the order of the pairs, and the target rows of each.
    """
    gold: dict[int, dict[int, None]] = {}
    for source, target in pairs:
        gold.setdefault(source, {})[target] = None
    return np.array(list(gold), dtype=np.int64), [np.array(list(rows), dtype=np.int64) for rows in gold.values()]


def ranks(queries: Floats, keys: Floats, gold: Sequence[Integers], key_similarity: Optional[Floats] = None) -> Integers:
    """Return the rank of the best correct key of each query among all keys.

    Incorrect keys that are exactly as similar as the best correct key are ranked before it. So an encoder that gives
    the same vector to every text finds nothing.

    Args:
        queries: The vectors to look up, `[n, d]`.
        keys: The vectors to search, `[m, d]`.
        gold: The rows of the correct keys of each query, at least one.
        key_similarity: If given, keys are compared by CSLS instead of cosine similarity. The mean cosine similarity
            `[m]` of each key to its nearest neighbors on the other side (see `neighborhood_similarity`).

    Returns:
        The ranks `[n]`, starting at 1.

    Raises:
        XltError: The numbers of rows do not match, or a query has no correct key.

    References:
        Conneau et al. (2018), Word Translation Without Parallel Data, equation 4. The term r(x) is left out because it
        is the same for all keys of a query.
    """
    if len(gold) != len(queries) or not all(len(right) for right in gold):
        raise XltError(
            f"There are {len(queries)} queries and correct keys for {len(gold)} queries. "
            "Every query needs at least one correct key."
        )
    penalty = np.zeros(len(keys), dtype=np.float32) if key_similarity is None else key_similarity / 2
    if penalty.shape != (len(keys),):
        raise XltError(f"key_similarity has the shape {penalty.shape}, but there are {len(keys)} keys.")
    # Not unit_rows(keys), which would copy a large table.
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
    """Return P@k, the share of queries with a correct key among the first k."""
    return float((ranks <= k).mean())


def mean_reciprocal_rank(ranks: Integers) -> float:
    """Return MRR, the mean of 1 / rank."""
    return float((1 / ranks).mean())


def lexicon_figures(ranks: Integers) -> dict[str, float]:
    """Summarize ranks as {"p@1", "p@5", "p@10", "mrr"}, each from 0 to 1.

    Raises:
        XltError: There are no ranks.
    """
    if not len(ranks):
        raise XltError("There is no word to evaluate: no pair of the dictionary has vectors on both sides.")
    figures = {f"p@{k}": precision_at(ranks, k) for k in PRECISIONS}
    return {**figures, "mrr": mean_reciprocal_rank(ranks)}


def induce_lexicon(
    source: Floats, target: Floats, pairs: Sequence[tuple[int, int]], neighbors: Optional[Floats] = None
) -> dict[str, Any]:
    """Look up the source words of a dictionary among all target words.

    Args:
        source: The vectors of the source words, `[n, d]`.
        target: The vectors of the target words, `[m, d]`.
        pairs: The dictionary: pairs (source row, target row).
        neighbors: The source vectors `[s, d]` among which CSLS looks for the neighbors of each target word. The
            default is all of them.

    Returns:
        {"words": the number of distinct source words, "cosine": figures, "csls": figures}. See `lexicon_figures`.

    Raises:
        XltError: There are no pairs.
    """
    rows, gold = translations(pairs)
    by_cosine = lexicon_figures(ranks(source[rows], target, gold))
    similarity = neighborhood_similarity(target, source if neighbors is None else neighbors)
    return {
        "words": len(rows),
        "cosine": by_cosine,
        "csls": lexicon_figures(ranks(source[rows], target, gold, similarity)),
    }
