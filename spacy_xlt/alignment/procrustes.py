"""Orthogonal Procrustes from translations: a rotation or reflection that keeps all distances."""

from collections.abc import Mapping
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import AffineMap, affine
from spacy_xlt.alignment.base import Doubles, Pairs, fit_each, paired_rows

# The weight of the identity relative to the pairs. It decides only in directions that the pairs do not determine.
TOWARDS_IDENTITY = 1e-9


class Procrustes:
    """`spacy-xlt.Procrustes.v1`: y = R (x - mu_x) + mu_y, with R [d, d] = argmin |R X - Y|^2 over orthogonal matrices.

    X and Y are the pairs [d, p], centered by their means. The solution is R = U V' for Y X' = U S V'. In directions
    that the pairs do not determine (there are fewer pairs than dimensions), R is as close to the identity as possible.

    Args:
        center: Whether to center the pairs. Sentence embeddings need it because all texts of a language share a bias.
            Without it, the means are zero and the result is that of `scipy.linalg.orthogonal_procrustes`.

    References:
        Schönemann (1966), A Generalized Solution of the Orthogonal Procrustes Problem. For word embeddings: Xing et al.
        (2015), Normalized Word Embedding and Orthogonal Transform for Bilingual Word Translation; Artetxe et al.
        (2016), Learning Principled Bilingual Mappings of Word Embeddings while Preserving Monolingual Invariance.
    """

    needs_pairs = True

    def __init__(self, center: bool = True) -> None:
        self.center = center

    def fit(
        self, embeddings: Mapping[str, NDArray[np.float32]], source: str, pairs: Optional[Pairs] = None
    ) -> dict[str, AffineMap]:
        """See `Aligner.fit`."""

        def fit_one(language: str) -> AffineMap:
            x, y = paired_rows(embeddings, source, pairs, language, "Procrustes")
            if self.center:
                return rigid_motion(x, y)
            zeros = np.zeros(x.shape[1])
            return affine(zeros, zeros, rotation(x, y))

        return fit_each(embeddings, source, fit_one)


def rotation(x: NDArray[Any], y: NDArray[Any]) -> Doubles:
    """Return the orthogonal R `[d, d]` that minimizes sum |R x_i - y_i|^2 over the rows x and y `[p, d]`."""
    covariance = y.T @ x
    scale = np.linalg.norm(covariance) or 1.0
    left, _, right = np.linalg.svd(covariance / scale + TOWARDS_IDENTITY * np.eye(x.shape[1]))
    return np.asarray(left @ right)


def rigid_motion(x: NDArray[Any], y: NDArray[Any]) -> AffineMap:
    """Return the rotation and shift that bring the rows x `[p, d]` closest to the rows y `[p, d]`."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
    return affine(mean_x, mean_y, rotation(x - mean_x, y - mean_y))
