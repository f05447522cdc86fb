"""RCSLS: a linear map that is trained on the retrieval criterion."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import AffineMap, Floats, affine
from spacy_xlt.alignment.base import Doubles, Pairs, fit_each, usable_pairs
from spacy_xlt.alignment.procrustes import rotation
from spacy_xlt.alignment.retrieval import NEIGHBORHOOD, nearest
from spacy_xlt.errors import XltError
from spacy_xlt.vectors import unit_rows

SMALLEST_STEP = 1e-4


class RCSLS:
    """`spacy-xlt.RCSLS.v1`: y = W (x - mu_x) + mu_y, W [d, d] maximizing the relaxed CSLS of the pairs.

    The loss, over pairs (x, y) of centered rows of unit length, is
        loss(W) = mean of  -2 x'W'y + mean_{y' in N(Wx)} x'W'y' + mean_{Wx' in N(y)} x''W'y,
    where N are the rows of the other language with the largest products. As in fastText's alignment/align.py, it is
    minimized by subgradient steps that start from the Procrustes solution. A step that does not lower the loss is
    undone, and the step size is halved. CSLS does not depend on the scale of W, so W is scaled at the end to give
    W (x - mu_x) the same root mean square length as y - mu_y.

    Use it for words with thousands of pairs. It overfits a few hundred pairs.

    Args:
        iterations: The maximum number of steps.
        step: The first step size.
        neighborhood: The number of rows in N.
        negatives: N is chosen from this number of rows of a language, the first ones. Fewer rows are faster.
        spectral: Whether to project each W on the matrices with singular values up to 1, the convex hull of the
            rotations (section 2.3). Without it, the words of the default encoder are found more often.

    References:
        Joulin et al. (2018), Loss in Translation: Learning Bilingual Word Mapping with a Retrieval Criterion,
        equation 5.
    """

    needs_pairs = True

    def __init__(
        self,
        iterations: int = 10,
        step: float = 10.0,
        neighborhood: int = NEIGHBORHOOD,
        negatives: int = 200_000,
        spectral: bool = False,
    ) -> None:
        if iterations < 0 or not 0 < step < np.inf or neighborhood < 1 or negatives < 1:
            raise XltError("RCSLS: iterations, step, neighborhood and negatives must be positive numbers.")
        self.iterations, self.step, self.spectral = iterations, step, spectral
        self.neighborhood, self.negatives = neighborhood, negatives

    def fit(
        self, embeddings: Mapping[str, NDArray[np.float32]], source: str, pairs: Optional[Pairs] = None
    ) -> dict[str, AffineMap]:
        """See `Aligner.fit`."""

        def fit_one(language: str) -> AffineMap:
            rows = usable_pairs(embeddings, source, pairs, language, "RCSLS")
            mean_x, all_x = _normalize(embeddings[language])
            mean_y, all_y = _normalize(embeddings[source])
            problem = Problem(
                all_x[rows[:, 0]],
                all_y[rows[:, 1]],
                all_x[: self.negatives],
                all_y[: self.negatives],
                self.neighborhood,
            )
            matrix = descend(problem, self.iterations, self.step, self.spectral)
            x, y = embeddings[language][rows[:, 0]] - mean_x, embeddings[source][rows[:, 1]] - mean_y
            lengths = np.linalg.norm(x @ matrix.T), np.linalg.norm(y)
            return affine(mean_x, mean_y, matrix * (lengths[1] / lengths[0] if lengths[0] > 0 else 1))

        return fit_each(embeddings, source, fit_one)


def _normalize(embeddings: NDArray[Any]) -> tuple[Doubles, Floats]:
    """Return the mean `[d]`, and the centered rows `[n, d]` at unit length."""
    mean = embeddings.mean(axis=0, dtype=np.float64)
    return mean, unit_rows(embeddings - mean.astype(np.float32))


@dataclass(frozen=True)
class Problem:
    """The data of the loss.

    Attributes:
        x: The rows of the pairs, `[p, d]`.
        y: Their translations, `[p, d]`.
        others_x: The rows `[n, d]` in which the neighbors of y are searched.
        others_y: The rows `[m, d]` in which the neighbors of x are searched.
        neighborhood: The number of neighbors.
    """

    x: Floats
    y: Floats
    others_x: Floats
    others_y: Floats
    neighborhood: int

    def loss(self, matrix: Doubles) -> tuple[float, Doubles]:
        """Return the loss and its subgradient `[d, d]` at a matrix."""
        w = matrix.astype(np.float32)
        mapped = self.x @ w.T
        pull = 2 * np.einsum("ij,ij->", mapped, self.y, dtype=np.float64)
        gradient = -2 * (self.y.T @ self.x)
        k = min(self.neighborhood, len(self.others_y))
        indices, scores = nearest(mapped, self.others_y, k, metric="dot")
        push = scores.mean(axis=1, dtype=np.float64).sum()
        gradient += _mean_rows(self.others_y, indices).T @ self.x
        k = min(self.neighborhood, len(self.others_x))
        indices, scores = nearest(self.y, self.others_x @ w.T, k, metric="dot")
        push += scores.mean(axis=1, dtype=np.float64).sum()
        gradient += self.y.T @ _mean_rows(self.others_x, indices)
        return float(push - pull) / len(self.x), gradient.astype(np.float64) / len(self.x)


def _mean_rows(rows: Floats, indices: NDArray[np.int64]) -> Floats:
    """Return the means `[p, d]` of the rows with the indices `[p, k]`, without making an array `[p, k, d]`."""
    total = np.zeros((len(indices), rows.shape[1]), dtype=np.float32)
    for column in indices.T:
        total += rows[column]
    return total / np.float32(indices.shape[1])


def descend(problem: Problem, iterations: int, step: float, spectral: bool) -> Doubles:
    """Return the matrix `[d, d]` after at most `iterations` steps. See `RCSLS`."""
    matrix = rotation(problem.x.astype(np.float64), problem.y.astype(np.float64))
    loss, gradient = problem.loss(matrix)
    for _ in range(iterations):
        if step < SMALLEST_STEP:
            break
        candidate = matrix - step * gradient
        if spectral:
            candidate = _project(candidate)
        its_loss, its_gradient = problem.loss(candidate)
        if its_loss < loss:
            matrix, loss, gradient = candidate, its_loss, its_gradient
        else:
            step /= 2
    return matrix


def _project(matrix: Doubles) -> Doubles:
    """Return the nearest matrix with singular values up to 1."""
    left, s, right = np.linalg.svd(matrix)
    return np.asarray(left * np.minimum(s, 1.0) @ right)
