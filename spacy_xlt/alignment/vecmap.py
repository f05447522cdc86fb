"""VecMap from translations: whitening, rotation, re-weighting by correlation, and de-whitening."""

from collections.abc import Mapping
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import AffineMap, affine
from spacy_xlt.alignment.base import Doubles, Pairs, fit_each, row_lengths, usable_pairs
from spacy_xlt.errors import XltError
from spacy_xlt.vectors import unit_rows

# A direction is empty if the squared spread of the pairs along it is below this share of the largest one. Encoders have
# such directions because their last layer norm removes them. They are whitened as if they had this spread.
EMPTY = 1e-10


class VecMap:
    """`spacy-xlt.VecMap.v1`: the multi-step map of VecMap into the space of the source language.

    The steps are those of `common_space`. All re-weighting is on the side of the language (the setting `--aaai2018` of
    the original program). So the map of the source into the common space is a rigid motion, and its inverse, with which
    this map ends, keeps all distances. With re-weighting on both sides (`--supervised`), there is often no inverse,
    because directions without correlation are lost; use `common_space` for that. The map is for rows of unit length.

    Args:
        reweight: The power of the correlations. 0 is Procrustes on whitened rows.

    References:
        Artetxe, Labaka and Agirre (2018), Generalizing and Improving Bilingual Word Embedding Mappings with a
        Multi-Step Framework of Linear Transformations.
    """

    needs_pairs = True

    def __init__(self, reweight: float = 1.0) -> None:
        if not 0 <= reweight < np.inf:
            raise XltError(f"VecMap: reweight is {reweight}. It must be a finite number from 0.")
        self.reweight = reweight

    def fit(
        self, embeddings: Mapping[str, NDArray[np.float32]], source: str, pairs: Optional[Pairs] = None
    ) -> dict[str, AffineMap]:
        """See `Aligner.fit`. Every language needs enough pairs to fill all dimensions."""

        def fit_one(language: str) -> AffineMap:
            rows = usable_pairs(embeddings, source, pairs, language, "VecMap")
            there, source_there = common_space(
                embeddings[language], embeddings[source], rows, (self.reweight, 0.0), (language, source)
            )
            return there.then(source_there.inverse())

        return fit_each(embeddings, source, fit_one)


def common_space(
    x: NDArray[Any],
    z: NDArray[Any],
    pairs: NDArray[np.int64],
    reweights: tuple[float, float] = (0.5, 0.5),
    names: tuple[str, str] = ("x", "z"),
) -> tuple[AffineMap, AffineMap]:
    """Fit the maps of two languages into a common space.

    The defaults are the setting `--supervised` of the original program. The rows are scaled to unit length, centered,
    and scaled again. With X and Z the rows of the pairs, the steps are:

        whitening       Wx = (X'X)^-1/2, Wz = (Z'Z)^-1/2
        orthogonal map  U S V' = Wx X'Z Wz
        re-weighting    by powers of the correlations S
        de-whitening    by U' Wx^-1 U and V' Wz^-1 V

    So x is mapped to x Wx U S^reweight U' Wx^-1 U, and z accordingly.

    Args:
        x: Rows of a language, `[n, d]`.
        z: Rows of the other language, `[m, d]`.
        pairs: The translations, `[p, 2]`: pairs (row of x, row of z).
        reweights: The powers of the correlations for x and for z.
        names: The names of the two languages, for error messages.

    Returns:
        The maps of x and of z, for rows of unit length.

    Raises:
        XltError: There are too few pairs to fill all dimensions.

    References:
        Artetxe, Labaka and Agirre (2018), Generalizing and Improving Bilingual Word Embedding Mappings with a
        Multi-Step Framework of Linear Transformations.
    """
    mean_x, paired_x = _normalize(x, pairs[:, 0])
    mean_z, paired_z = _normalize(z, pairs[:, 1])
    white_x, colored_x = _whitening(paired_x, names[0])
    white_z, colored_z = _whitening(paired_z, names[1])
    left, s, right = np.linalg.svd(white_x @ (paired_x.T @ paired_z) @ white_z)
    matrix_x = white_x @ left * s ** reweights[0] @ left.T @ colored_x @ left
    matrix_z = white_z @ right.T * s ** reweights[1] @ right @ colored_z @ right.T
    zeros = np.zeros_like(mean_x)
    return affine(mean_x, zeros, matrix_x.T), affine(mean_z, zeros, matrix_z.T)


def _normalize(embeddings: NDArray[Any], rows: NDArray[np.int64]) -> tuple[Doubles, Doubles]:
    """Return the mean `[d]` of all rows at unit length, and the paired rows at unit length, centered, and rescaled."""
    mean = (1 / row_lengths(embeddings)) @ embeddings / len(embeddings)
    return mean, unit_rows(unit_rows(embeddings[rows].astype(np.float64)) - mean)


def _whitening(x: Doubles, side: str) -> tuple[Doubles, Doubles]:
    """Return (X'X)^-1/2 and (X'X)^1/2, both `[d, d]` and symmetric."""
    squares, directions = np.linalg.eigh(x.T @ x)
    least = EMPTY * squares[-1]
    if squares[0] <= least and len(np.unique(x, axis=0)) <= len(squares):
        filled = int((squares > least).sum())
        raise XltError(
            f"VecMap: the {len(x)} paired rows of '{side}' fill {filled} of {len(squares)} dimensions. Add pairs, or "
            "use spacy-xlt.RidgeToIdentity.v1 or spacy-xlt.Procrustes.v1, which need fewer pairs."
        )
    spread = np.sqrt(np.maximum(squares, least))
    return directions / spread @ directions.T, directions * spread @ directions.T
