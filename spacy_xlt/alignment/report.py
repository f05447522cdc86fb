"""How well an alignment without a dictionary went: figures that need no dictionary either, and a plain verdict."""

import warnings
from dataclasses import dataclass

import numpy as np

from spacy_xlt.alignment.affine import Floats
from spacy_xlt.alignment.base import unit_rows
from spacy_xlt.alignment.procrustes import rotation
from spacy_xlt.alignment.retrieval import mutual_nearest

# Below this agreement an alignment has failed. On 20k words of two languages the right rotation gives .35 and more, a
# wrong one .03, unrelated spaces .00; one on its way, with which one word in ten finds its translation, .18.
FAILED_BELOW = 0.15
# So many standard errors above 0 the agreement has to be: few rows agree by chance.
ERRORS = 5
# At most so many rows of a side are looked at in either half.
TRIED = 4000


class AlignmentWarning(UserWarning):
    """An alignment without a dictionary has failed: its map says nothing."""


@dataclass(frozen=True)
class AlignmentReport:
    """One language's alignment into the space of the source.

    score: mean CSLS of the mutual nearest neighbors; what models are chosen by. Comparable between runs on the same
        rows only: a wrong map can fit its own pairs well.
    mutual_share: mutual nearest neighbors, as a share of the smaller side's rows.
    agreement: of what had no part in the fit, see `agreement`: 0 for unrelated spaces, at most 1; decides on `failed`.
    n_pairs: pairs that the map was fitted on; iterations: how often they were found anew.
    converged: the pairs did not change any more.
    failed: the map is no better than chance; `message` says so, or that all is well, in one sentence.
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
    """Whether spaces agree where they need not: a mean cosine, 0 for unrelated ones, and its standard error.

    x [n, d] and y [m, d]: unit rows, mapped into one space by a map that was not fitted on these rows. Mutual nearest
    neighbors agree on the axes they were chosen by, however wrong the map. So they are chosen by every other principal
    axis, and the result is the mean cosine of their coordinates on the remaining ones; then the other way round.
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
    """`agreement` of rows x [n, d] and y [m, d] by a rotation w [d, d], y w like x, that was found on these rows.

    w is fitted anew on the mutual neighbors within one half of the rows of either side, and tried on the other half.
    """
    x, y = x[rng.permutation(len(x))[: 2 * TRIED]], y[rng.permutation(len(y))[: 2 * TRIED]]
    pairs = mutual_nearest(x[::2], y[::2] @ w)
    turn = rotation(y[::2][pairs[:, 1]], x[::2][pairs[:, 0]]).T.astype(np.float32)
    return agreement(x[1::2], y[1::2] @ turn)


def failed(agreed: tuple[float, float]) -> bool:
    """Whether an `agreement` says that there is none."""
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
    mend: str,
) -> AlignmentReport:
    """The report of an alignment; warns with `AlignmentWarning` in the name of an aligner if it has failed.

    n_rows: rows of the smaller side. mend: what the user can do about a failure.
    """
    figures = f"mean CSLS {score:.3f} of {n_pairs} mutual neighbors, agreement {agreed[0]:.2f}"
    if failed(agreed):
        message = (
            f"{name}: the alignment of '{language}' has FAILED ({figures}): where nothing was fitted they agree "
            f"less than {max(FAILED_BELOW, ERRORS * agreed[1]):.2f}, as unrelated spaces do. {mend}"
        )
        warnings.warn(message, AlignmentWarning, stacklevel=2)
    else:
        message = f"{name}: '{language}' is aligned ({figures})."
    share = n_pairs / max(n_rows, 1)
    return AlignmentReport(score, share, agreed[0], n_pairs, iterations, converged, failed(agreed), message)
