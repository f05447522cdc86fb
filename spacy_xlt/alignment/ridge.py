"""Ridge regression from translations: of the map itself, or of its difference from the identity."""

from collections.abc import Mapping
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import AffineMap, affine
from spacy_xlt.alignment.base import Doubles, Pairs, fit_each, paired_rows
from spacy_xlt.errors import XltError

# Penalties to choose from, as multiples of the mean squared singular value.
GRID = 10.0 ** np.arange(-5, 5.01, 0.25)


class Ridge:
    """`spacy-xlt.Ridge.v1`: y = W (x - mu_x) + mu_y, with W [d, d] = argmin |W X - Y|^2 + penalty |W|^2.

    X and Y are the pairs [d, p], centered by their means mu_x and mu_y: regression with a bias, which takes up what all
    texts of a language have in common. (Hoerl & Kennard 1970; for embeddings of two languages Mikolov et al. 2013,
    "Exploiting Similarities among Languages for Machine Translation".)

    penalty: None chooses it for each language by generalized cross-validation (Golub, Heath & Wahba 1979),
        GCV = p |residuals|^2 / (p - df)^2, df = 1 + sum s^2 / (s^2 + penalty), s the singular values of X.
    With one pair W is zero: everything goes to its translation. For embeddings of a multilingual encoder
    `RidgeToIdentity` is the better choice.
    """

    needs_pairs = True

    def __init__(self, penalty: Optional[float] = None) -> None:
        self.penalty = check_penalty(penalty, "Ridge")

    def fit(
        self, embeddings: Mapping[str, NDArray[np.float32]], source: str, pairs: Optional[Pairs] = None
    ) -> dict[str, AffineMap]:
        """See `Aligner.fit`. Raises XltError for a language without pairs."""

        def fit_one(language: str) -> AffineMap:
            x, y = paired_rows(embeddings, source, pairs, language, "Ridge")
            mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
            return affine(mean_x, mean_y, ridge(x - mean_x, y - mean_y, self.penalty))

        return fit_each(embeddings, source, fit_one)


class RidgeToIdentity:
    """`spacy-xlt.RidgeToIdentity.v1`: y = (I + D) (x - mu_x) + mu_y, D = argmin |D X - (Y - X)|^2 + penalty |D|^2.

    Ridge regression that shrinks towards the identity in place of zero: what a multilingual encoder has brought
    together stays, and few pairs only move the language by mu_y - mu_x. Otherwise as `Ridge`.
    """

    needs_pairs = True

    def __init__(self, penalty: Optional[float] = None) -> None:
        self.penalty = check_penalty(penalty, "RidgeToIdentity")

    def fit(
        self, embeddings: Mapping[str, NDArray[np.float32]], source: str, pairs: Optional[Pairs] = None
    ) -> dict[str, AffineMap]:
        """See `Aligner.fit`. Raises XltError for a language without pairs."""

        def fit_one(language: str) -> AffineMap:
            x, y = paired_rows(embeddings, source, pairs, language, "RidgeToIdentity")
            mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
            difference = ridge(x - mean_x, (y - mean_y) - (x - mean_x), self.penalty)
            return affine(mean_x, mean_y, np.eye(x.shape[1]) + difference)

        return fit_each(embeddings, source, fit_one)


def check_penalty(penalty: Optional[float], aligner: str) -> Optional[float]:
    if penalty is not None and not 0 < penalty < np.inf:
        raise XltError(f"{aligner}: the penalty is a positive number, or null to choose it, not {penalty}.")
    return penalty


def ridge(x: Doubles, y: Doubles, penalty: Optional[float]) -> Doubles:
    """argmin_W |W x' - y'|^2 + penalty |W|^2 [d, d], for centered rows x [p, d] and y [p, d]; penalty None: by GCV."""
    left, s, right = np.linalg.svd(x, full_matrices=False)
    kept = s > s[0] * max(x.shape) * np.finfo(np.float64).eps
    if not kept.any():
        return np.zeros((y.shape[1], x.shape[1]))
    left, s, right = left[:, kept], s[kept], right[kept]
    coordinates = left.T @ y
    if penalty is None:
        outside = (y**2).sum() - (coordinates**2).sum()
        penalty = choose_penalty(s, (coordinates**2).sum(axis=1), max(outside, 0.0), len(x))
    return np.asarray(((s / (s**2 + penalty))[:, None] * coordinates).T @ right)


def choose_penalty(s: Doubles, inside: Doubles, outside: float, n: int) -> float:
    """The penalty of the least generalized cross-validation score; of equal ones the largest.

    s: singular values [r] of centered x; inside: |y|^2 along each left singular vector [r]; outside: the rest of |y|^2.
    """
    penalties = GRID * (s**2).mean()
    free = penalties[:, None] / (s**2 + penalties[:, None])
    degrees = n - 1 - (1 - free).sum(axis=1)
    scores = n * (outside + (free**2 * inside).sum(axis=1)) / degrees**2
    return float(penalties[::-1][np.argmin(scores[::-1])])
