"""Ridge regression from translations: of the map, or of its difference from the identity."""

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

    X and Y are the pairs [d, p], centered by their means mu_x and mu_y. With a single pair, W is zero and everything is
    mapped to its translation. `RidgeToIdentity` is the better choice for the embeddings of a multilingual encoder.

    Args:
        penalty: The penalty. None chooses it for each language by generalized cross-validation (GCV):
            GCV = p |residuals|^2 / (p - df)^2 with df = 1 + sum s^2 / (s^2 + penalty), where s are the singular values
            of X.

    References:
        Hoerl and Kennard (1970), Ridge Regression: Biased Estimation for Nonorthogonal Problems. Golub, Heath and Wahba
        (1979), Generalized Cross-Validation as a Method for Choosing a Good Ridge Parameter. For word embeddings:
        Mikolov et al. (2013), Exploiting Similarities among Languages for Machine Translation.
    """

    needs_pairs = True

    def __init__(self, penalty: Optional[float] = None) -> None:
        self.penalty = check_penalty(penalty, "Ridge")

    def fit(
        self, embeddings: Mapping[str, NDArray[np.float32]], source: str, pairs: Optional[Pairs] = None
    ) -> dict[str, AffineMap]:
        """See `Aligner.fit`."""

        def fit_one(language: str) -> AffineMap:
            x, y = paired_rows(embeddings, source, pairs, language, "Ridge")
            mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
            return affine(mean_x, mean_y, ridge(x - mean_x, y - mean_y, self.penalty))

        return fit_each(embeddings, source, fit_one)


class RidgeToIdentity:
    """`spacy-xlt.RidgeToIdentity.v1`: y = (I + D) (x - mu_x) + mu_y, D = argmin |D X - (Y - X)|^2 + penalty |D|^2.

    The regression shrinks towards the identity instead of zero. So it keeps the alignment that a multilingual encoder
    already has, and a few pairs only shift the language by mu_y - mu_x.

    Args:
        penalty: See `Ridge`.
    """

    needs_pairs = True

    def __init__(self, penalty: Optional[float] = None) -> None:
        self.penalty = check_penalty(penalty, "RidgeToIdentity")

    def fit(
        self, embeddings: Mapping[str, NDArray[np.float32]], source: str, pairs: Optional[Pairs] = None
    ) -> dict[str, AffineMap]:
        """See `Aligner.fit`."""

        def fit_one(language: str) -> AffineMap:
            x, y = paired_rows(embeddings, source, pairs, language, "RidgeToIdentity")
            mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
            difference = ridge(x - mean_x, (y - mean_y) - (x - mean_x), self.penalty)
            return affine(mean_x, mean_y, np.eye(x.shape[1]) + difference)

        return fit_each(embeddings, source, fit_one)


def check_penalty(penalty: Optional[float], aligner: str) -> Optional[float]:
    """Return the penalty. Raises XltError if it is not positive."""
    if penalty is not None and not 0 < penalty < np.inf:
        raise XltError(f"{aligner}: the penalty is {penalty}. It must be positive, or null to choose it automatically.")
    return penalty


def ridge(x: Doubles, y: Doubles, penalty: Optional[float]) -> Doubles:
    """Return argmin_W |W x' - y'|^2 + penalty |W|^2.

    Args:
        x: Centered rows, `[p, d]`.
        y: Centered rows, `[p, d]`.
        penalty: The penalty. None chooses it by generalized cross-validation.
    """
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
    """Return the penalty with the lowest generalized cross-validation score, and the largest one of equals.

    Args:
        s: The singular values `[r]` of the centered x.
        inside: |y|^2 along each left singular vector, `[r]`.
        outside: The rest of |y|^2.
        n: The number of pairs.
    """
    penalties = GRID * (s**2).mean()
    free = penalties[:, None] / (s**2 + penalties[:, None])
    degrees = n - 1 - (1 - free).sum(axis=1)
    scores = n * (outside + (free**2 * inside).sum(axis=1)) / degrees**2
    return float(penalties[::-1][np.argmin(scores[::-1])])
