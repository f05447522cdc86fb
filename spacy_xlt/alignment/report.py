"""Reports on alignments without a dictionary: metrics that need no dictionary, and whether the alignment failed."""

import warnings
from dataclasses import dataclass

import numpy as np

from spacy_xlt.alignment.affine import Floats
from spacy_xlt.alignment.procrustes import rotation
from spacy_xlt.alignment.retrieval import mutual_nearest
from spacy_xlt.vectors import unit_rows

# An alignment with a lower agreement has failed. On 20,000 words of two languages, the correct rotation gives at least
# 0.35, a wrong one 0.03, unrelated spaces 0.00, and a rotation that finds the translation of one word in ten 0.18.
FAILED_BELOW = 0.15
# The agreement must also be this number of standard errors above 0, because few rows can agree by chance.
ERRORS = 5
# The maximum number of rows of each side in either half.
TRIED = 4000


class AlignmentWarning(UserWarning):
    """An alignment without a dictionary has failed. Its map is no better than chance."""


@dataclass(frozen=True)
class AlignmentReport:
    """The alignment of one language with the source language.

    Attributes:
        score: The mean CSLS of the mutual nearest neighbors, by which models are selected. It is comparable only
            between runs on the same rows, because a wrong map can fit its own pairs well.
        mutual_share: The number of mutual nearest neighbors, as a share of the rows of the smaller side.
        agreement: The agreement of rows that were not fitted on (see `agreement`), from 0 for unrelated spaces to 1. It
            decides `failed`.
        n_pairs: The number of pairs that the map was fitted on.
        iterations: The number of times that the pairs were computed.
        converged: Whether the pairs had stopped changing.
        failed: Whether the map is no better than chance.
        message: A sentence that says whether the alignment failed.
    """

    score: float
    mutual_share: float
    agreement: float
    n_pairs: int
    iterations: int
    converged: bool
    failed: bool
    message: str


def agreement(x: Floats, y: Floats) -> tuple[float, float]:
    """Measure whether two spaces agree on axes by which their neighbors were not chosen.

    Mutual nearest neighbors always agree on the axes by which they were chosen, even if the map is wrong. So they are
    chosen by every second principal axis, and compared by cosine similarity on the other axes. Then the axes are
    swapped.

    Args:
        x: Unit rows, `[n, d]`.
        y: Unit rows, `[m, d]`, mapped into the space of x by a map that was not fitted on these rows.

    Returns:
        The mean cosine similarity (0 for unrelated spaces) and its standard error.
    """
    axes = np.linalg.eigh(x.T @ x)[1][:, ::-1]
    x, y = x @ axes, y @ axes
    cosines = []
    for chosen, seen in ((0, 1), (1, 0)):
        pairs = mutual_nearest(x[:, chosen::2], y[:, chosen::2])
        sides = unit_rows(x[pairs[:, 0], seen::2]), unit_rows(y[pairs[:, 1], seen::2])
        cosines.append(np.einsum("ij,ij->i", *sides))
    each = np.concatenate(cosines).astype(np.float64)
    return float(each.mean()), float(each.std() / np.sqrt(len(each)))


def agreement_of_rotation(x: Floats, y: Floats, w: Floats, rng: np.random.Generator) -> tuple[float, float]:
    """Return the `agreement` by a rotation that was found on the same rows.

    The rotation is fitted again on the mutual neighbors in one half of the rows, and evaluated on the other half.

    Args:
        x: Unit rows, `[n, d]`.
        y: Unit rows, `[m, d]`.
        w: The rotation `[d, d]` that maps y close to x, as y w.
        rng: Random numbers for the halves.
    """
    x, y = x[rng.permutation(len(x))[: 2 * TRIED]], y[rng.permutation(len(y))[: 2 * TRIED]]
    pairs = mutual_nearest(x[::2], y[::2] @ w)
    turn = rotation(y[::2][pairs[:, 1]], x[::2][pairs[:, 0]]).T.astype(np.float32)
    return agreement(x[1::2], y[1::2] @ turn)


def failed(agreed: tuple[float, float]) -> bool:
    """Return whether an `agreement` (mean and standard error) is too low."""
    return not agreed[0] >= max(FAILED_BELOW, ERRORS * agreed[1])


def verdict(
    name: str,
    language: str,
    *,
    score: float,
    n_rows: int,
    n_pairs: int,
    agreed: tuple[float, float],
    iterations: int,
    converged: bool,
    remedy: str,
) -> AlignmentReport:
    """Make the report of an alignment. A failure gives an `AlignmentWarning`.

    Args:
        name: The name of the aligner.
        language: The language.
        score: See `AlignmentReport`.
        n_rows: The number of rows of the smaller side.
        n_pairs: See `AlignmentReport`.
        agreed: The result of `agreement`.
        iterations: See `AlignmentReport`.
        converged: See `AlignmentReport`.
        remedy: What the user can do about a failure.
    """
    figures = f"mean CSLS {score:.3f} of {n_pairs} mutual neighbors, agreement {agreed[0]:.2f}"
    if failed(agreed):
        message = (
            f"{name}: the alignment of '{language}' has FAILED ({figures}). The agreement is below "
            f"{max(FAILED_BELOW, ERRORS * agreed[1]):.2f}, as for unrelated spaces. {remedy}"
        )
        warnings.warn(message, AlignmentWarning, stacklevel=2)
    else:
        message = f"{name}: '{language}' is aligned ({figures})."
    share = n_pairs / max(n_rows, 1)
    return AlignmentReport(score, share, agreed[0], n_pairs, iterations, converged, failed(agreed), message)
