"""Generalized Procrustes: many languages to their common mean at once."""

from collections.abc import Mapping
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import AffineMap, Floats, identity
from spacy_xlt.alignment.base import Integers, Pairs, check_embeddings, usable_pairs
from spacy_xlt.alignment.procrustes import rigid_motion
from spacy_xlt.errors import XltError

# The loop ends when an iteration lowers the distance to the mean by less than this share.
CONVERGED = 1e-4


class GeneralizedProcrustes:
    """`spacy-xlt.GeneralizedProcrustes.v1`: rigid motions g_l of all languages that bring translations together.

    Minimizes sum over languages l and their pairs (i, j) of |g_l(x_i) - m_j|^2, where m_j is the mean of row j of the
    source and all its translations, each moved by its g; motions and means are found in turn (Gower 1975, "Generalized
    Procrustes Analysis"; for languages Kementchedjhieva et al. 2018). The source moves as well; the maps that are
    returned end in its space: g_source^-1 g_l. With one language it is `Procrustes`. Languages may share all rows of
    the source, or some, or none.

    iterations: the most rounds of the two steps.
    """

    needs_pairs = True

    def __init__(self, iterations: int = 20) -> None:
        if iterations < 1:
            raise XltError(f"GeneralizedProcrustes: iterations is a number from 1 on, not {iterations}.")
        self.iterations = iterations

    def fit(
        self, embeddings: Mapping[str, NDArray[np.float32]], source: str, pairs: Optional[Pairs] = None
    ) -> dict[str, AffineMap]:
        """See `Aligner.fit`. Raises XltError for a language without pairs."""
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
    """The motions to the common mean. sides: rows [p, d] of each language, and the rows [p] of the mean they are of."""
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
