"""Orthogonal Procrustes from translations: a rotation (or reflection) that changes no distance."""

from collections.abc import Mapping
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import AffineMap, affine
from spacy_xlt.alignment.base import Doubles, Pairs, fit_each, paired_rows

# Weight of the identity where the pairs say nothing, relative to what they say.
TOWARDS_IDENTITY = 1e-9


class Procrustes:
    """`spacy-xlt.Procrustes.v1`: y = R (x - mu_x) + mu_y, with R [d, d] = argmin |R X - Y|^2 over orthogonal matrices.

    The solution is R = U V' for Y X' = U S V' (Schoenemann 1966; for embeddings Xing et al. 2015, Artetxe et al. 2016).
    X and Y are the pairs [d, p], centered by their means, so this is the best rigid motion; with center = False the
    means are zero and it is `scipy.linalg.orthogonal_procrustes`. Embeddings of sentences have a bias that all texts
    of a language share: center them. In directions that the pairs leave open (fewer pairs than dimensions) R is as
    near to the identity as it can be.
    """

    needs_pairs = True

    def __init__(self, center: bool = True) -> None:
        self.center = center

    def fit(
        self, embeddings: Mapping[str, NDArray[np.float32]], source: str, pairs: Optional[Pairs] = None
    ) -> dict[str, AffineMap]:
        """See `Aligner.fit`. Raises XltError for a language without pairs."""

        def fit_one(language: str) -> AffineMap:
            x, y = paired_rows(embeddings, source, pairs, language, "Procrustes")
            if self.center:
                return rigid_motion(x, y)
            zeros = np.zeros(x.shape[1])
            return affine(zeros, zeros, rotation(x, y))

        return fit_each(embeddings, source, fit_one)


def rotation(x: NDArray[Any], y: NDArray[Any]) -> Doubles:
    """The orthogonal R [d, d] that brings rows x [p, d] nearest to rows y [p, d]: argmin sum |R x_i - y_i|^2."""
    covariance = y.T @ x
    scale = np.linalg.norm(covariance) or 1.0
    left, _, right = np.linalg.svd(covariance / scale + TOWARDS_IDENTITY * np.eye(x.shape[1]))
    return np.asarray(left @ right)


def rigid_motion(x: NDArray[Any], y: NDArray[Any]) -> AffineMap:
    """The rotation and shift that bring rows x [p, d] nearest to rows y [p, d]."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
    return affine(mean_x, mean_y, rotation(x - mean_x, y - mean_y))
