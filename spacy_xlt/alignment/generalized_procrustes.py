"""Generalized Procrustes: all languages are aligned with their common mean."""

from collections.abc import Mapping
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import AffineMap, Floats, identity
from spacy_xlt.alignment.base import Integers, Pairs, check_embeddings, usable_pairs
from spacy_xlt.alignment.procrustes import rigid_motion
from spacy_xlt.errors import XltError

# The loop ends when an iteration reduces the distance to the mean by less than this share.
CONVERGED = 1e-4


class GeneralizedProcrustes:
    """`spacy-xlt.GeneralizedProcrustes.v1`: rigid motions g_l of all languages that align their translations.

    They minimize the sum over languages l and their pairs (i, j) of |g_l(x_i) - m_j|^2, where m_j is the mean of row j
    of the source and all its translations after their motions. Motions and means are computed in turn. The source is
    moved too, and the returned maps g_source^-1 g_l lead into its space. With one language, the result is that of
    `Procrustes`. Languages may share all, some or no rows of the source.

    Args:
        iterations: The maximum number of iterations.

    References:
        Gower (1975), Generalized Procrustes Analysis. For languages: Kementchedjhieva et al. (2018), Generalizing
        Procrustes Analysis for Better Bilingual Dictionary Induction.
    """

    needs_pairs = True

    def __init__(self, iterations: int = 20) -> None:
        if iterations < 1:
            raise XltError(f"GeneralizedProcrustes: iterations is {iterations}. It must be at least 1.")
        self.iterations = iterations

    def fit(
        self, embeddings: Mapping[str, NDArray[np.float32]], source: str, pairs: Optional[Pairs] = None
    ) -> dict[str, AffineMap]:
        """See `Aligner.fit`."""
        width = check_embeddings(embeddings, source)
        rows = {
            language: usable_pairs(embeddings, source, pairs, language, "GeneralizedProcrustes")
            for language in sorted(set(embeddings) - {source})
        }
        if not rows:
            return {source: identity(width)}
        shared, places = np.unique(np.concatenate([each[:, 1] for each in rows.values()]), return_inverse=True)
        sides = {source: (embeddings[source][shared], np.arange(len(shared)))}
        start = 0
        for language, each in rows.items():
            sides[language] = (embeddings[language][each[:, 0]], places[start : start + len(each)])
            start += len(each)
        motions = _common_motions(sides, source, self.iterations)
        back = motions[source].inverse()
        return {source: identity(width), **{language: motions[language].then(back) for language in rows}}


def _common_motions(sides: Mapping[str, tuple[Floats, Integers]], source: str, iterations: int) -> dict[str, AffineMap]:
    """Return the motions to the common mean.

    Args:
        sides: The rows `[p, d]` of each language, and the index `[p]` of the mean that each row belongs to.
        source: The source language.
        iterations: The maximum number of iterations.
    """
    mean = sides[source][0].astype(np.float64)
    places_of_all = np.concatenate([places for _, places in sides.values()])
    count = np.bincount(places_of_all)[:, None]
    motions: dict[str, AffineMap] = {}
    before = np.inf
    for _ in range(iterations):
        motions = {language: rigid_motion(x, mean[places]) for language, (x, places) in sides.items()}
        moved = np.concatenate([motions[language](x) for language, (x, _) in sides.items()])
        mean = np.zeros_like(mean)
        np.add.at(mean, places_of_all, moved)
        mean /= count
        distance = float(((moved - mean[places_of_all]) ** 2).sum())
        if before - distance <= CONVERGED * distance:
            break
        before = distance
    return motions
