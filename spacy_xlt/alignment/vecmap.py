"""VecMap from translations: whiten, rotate, re-weight by correlation, de-whiten."""

from collections.abc import Mapping
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import AffineMap, affine
from spacy_xlt.alignment.base import Doubles, Pairs, fit_each, row_lengths, usable_pairs
from spacy_xlt.errors import XltError
from spacy_xlt.vectors import unit_rows

# A direction is empty when the squared spread of the pairs along it is less than this share of the widest. Encoders
# have such directions: what their last layer norm takes away. They are whitened as if they had this spread.
EMPTY = 1e-10


class VecMap:
    """`spacy-xlt.VecMap.v1`: the map of Artetxe et al. 2018a ("Generalizing and Improving Bilingual Word Embedding
    Mappings with a Multi-Step Framework of Linear Transformations"), brought into the source's space.

    The steps are those of `common_space`, with all re-weighting on the language, as the paper has it on one side (the
    original program's --aaai2018). So the source is only moved and turned on its way to the common space, and the way
    back, which the map goes on with, changes no distance. (With weight on both sides there is often no way back:
    directions without correlation are lost. For that setting, --supervised, use `common_space` itself.) The map is for
    rows of unit length.

    reweight: the power of the correlations. 0 is Procrustes on whitened rows.
    """

    needs_pairs = True

    def __init__(self, reweight: float = 1.0) -> None:
        if not 0 <= reweight < np.inf:
            raise XltError(f"VecMap: reweight is a power from 0 on, not {reweight}.")
        self.reweight = reweight

    def fit(
        self, embeddings: Mapping[str, NDArray[np.float32]], source: str, pairs: Optional[Pairs] = None
    ) -> dict[str, AffineMap]:
        """See `Aligner.fit`. Raises XltError for a language without pairs, or with too few for the dimensions."""

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
    """The maps of two languages into a common space, for rows of unit length; by default as the original program's
    `--supervised`.

    Rows x [n, d] and z [m, d] are brought to unit length, centered, and brought to unit length again. With X and Z the
    `pairs` [p, 2] of them then:
        whitening       Wx = (X'X)^-1/2, Wz = (Z'Z)^-1/2
        orthogonal map  U S V' = Wx X'Z Wz
        re-weighting    by the correlations S, to the power of reweights[0] for x, of reweights[1] for z
        de-whitening    by U' Wx^-1 U and V' Wz^-1 V
    so that x goes to x Wx U S^reweight U' Wx^-1 U, and z likewise.
    names: of the two, for errors. Raises XltError if there are too few pairs to fill all dimensions.
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
    """The mean [d] of all rows at unit length, and the paired rows: unit length, centered, unit length."""
    mean = (1 / row_lengths(embeddings)) @ embeddings / len(embeddings)
    return mean, unit_rows(unit_rows(embeddings[rows].astype(np.float64)) - mean)


def _whitening(x: Doubles, side: str) -> tuple[Doubles, Doubles]:
    """(X'X)^-1/2 and (X'X)^1/2, both [d, d] and symmetric."""
    squares, directions = np.linalg.eigh(x.T @ x)
    least = EMPTY * squares[-1]
    if squares[0] <= least and len(np.unique(x, axis=0)) <= len(squares):
        filled = int((squares > least).sum())
        raise XltError(
            f"VecMap: the {len(x)} paired rows of '{side}' fill {filled} of {len(squares)} dimensions: give more "
            "pairs, or take spacy-xlt.RidgeToIdentity.v1 or spacy-xlt.Procrustes.v1, which need fewer."
        )
    spread = np.sqrt(np.maximum(squares, least))
    return directions / spread @ directions.T, directions * spread @ directions.T
