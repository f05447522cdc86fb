"""VecMap from translations: whiten, rotate, re-weight by correlation, de-whiten."""

from collections.abc import Mapping
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import AffineMap, affine
from spacy_xlt.alignment.base import Doubles, Pairs, fit_each, unit_rows, usable_pairs
from spacy_xlt.errors import XltError

# A direction counts as empty when the squared spread of the pairs along it is less than this share of the widest.
EMPTY = 1e-10


class VecMap:
    """`spacy-xlt.VecMap.v1`: the supervised map of Artetxe et al. 2018a ("Generalizing and Improving Bilingual Word
    Embedding Mappings with a Multi-Step Framework of Linear Transformations"), their program's `--supervised`.

    Rows are brought to unit length, centered, and brought to unit length again. With X and Z the pairs [p, d] then:
        whitening       Wx = (X'X)^-1/2, Wz = (Z'Z)^-1/2
        orthogonal map  U S V' = Wx X'Z Wz
        re-weighting    by the correlations S, to the power of `reweight` and of `source_reweight`
        de-whitening    by U' Wx^-1 U and V' Wz^-1 V
    So both languages meet in a common space: x goes to x Wx U S^reweight U' Wx^-1 U, z likewise. The map that `fit`
    returns goes on into the source's space, by the inverse of the source's; `common_space` returns both maps. Cosines
    are the same in both spaces if source_reweight is 0, but for the mean of the source, which is put back. The map is
    for rows of unit length.

    reweight, source_reweight: the program's --src_reweight and --trg_reweight, 0.5 there.
    """

    def __init__(self, reweight: float = 0.5, source_reweight: float = 0.5) -> None:
        if not (0 <= reweight < np.inf and 0 <= source_reweight < np.inf):
            raise XltError(f"VecMap: the weights are powers from 0 on, not {reweight} and {source_reweight}.")
        self.reweight, self.source_reweight = reweight, source_reweight

    def fit(
        self, embeddings: Mapping[str, NDArray[np.float32]], source: str, pairs: Optional[Pairs] = None
    ) -> dict[str, AffineMap]:
        """See `Aligner.fit`. Raises XltError for a language without pairs, or with too few for the dimensions."""

        def fit_one(language: str) -> AffineMap:
            there, source_there = self.common_space(embeddings, source, pairs, language)
            return there.then(source_there.inverse())

        return fit_each(embeddings, source, fit_one)

    def common_space(
        self, embeddings: Mapping[str, NDArray[np.float32]], source: str, pairs: Optional[Pairs], language: str
    ) -> tuple[AffineMap, AffineMap]:
        """The maps of a language and of the source into their common space, for rows of unit length."""
        rows = usable_pairs(embeddings, source, pairs, language, "VecMap")
        mean_x, x = _normalize(embeddings[language], rows[:, 0])
        mean_z, z = _normalize(embeddings[source], rows[:, 1])
        white_x, colored_x = _whitening(x, language)
        white_z, colored_z = _whitening(z, source)
        left, s, right = np.linalg.svd(white_x @ (x.T @ z) @ white_z)
        matrix_x = white_x @ left * s**self.reweight @ left.T @ colored_x @ left
        matrix_z = white_z @ right.T * s**self.source_reweight @ right @ colored_z @ right.T
        zeros = np.zeros_like(mean_x)
        return affine(mean_x, zeros, matrix_x.T), affine(mean_z, zeros, matrix_z.T)


def _normalize(embeddings: NDArray[Any], rows: NDArray[np.int64]) -> tuple[Doubles, Doubles]:
    """The mean [d] of all rows at unit length, and the paired rows: unit length, centered, unit length."""
    mean = unit_rows(embeddings).mean(axis=0, dtype=np.float64)
    return mean, unit_rows(unit_rows(embeddings[rows].astype(np.float64)) - mean)


def _whitening(x: Doubles, side: str) -> tuple[Doubles, Doubles]:
    """(X'X)^-1/2 and (X'X)^1/2, both [d, d] and symmetric."""
    squares, directions = np.linalg.eigh(x.T @ x)
    filled = int((squares > EMPTY * squares[-1]).sum())
    if filled < len(squares):
        raise XltError(
            f"VecMap: the {len(x)} paired rows of '{side}' fill {filled} of {len(squares)} dimensions: give more "
            "pairs, or take spacy-xlt.RidgeToIdentity.v1 or spacy-xlt.Procrustes.v1, which need fewer."
        )
    spread = np.sqrt(squares)
    return directions / spread @ directions.T, directions * spread @ directions.T
