"""Shared steps of the aligners without a dictionary: normalization, refinement by mutual neighbors, restarts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Callable, Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import AffineMap, Floats, affine, identity
from spacy_xlt.alignment.base import Aligner, Integers, Pairs, check_embeddings, usable_pairs
from spacy_xlt.alignment.procrustes import rotation
from spacy_xlt.alignment.report import AlignmentReport, agreement_of_rotation, failed, verdict
from spacy_xlt.alignment.retrieval import scored_mutual_nearest
from spacy_xlt.errors import XltError
from spacy_xlt.vectors import unit_rows

# With fewer rows on a side, there is no distribution to compare.
FEWEST_ROWS = 20
# The pairs have converged when the score increases by less than this.
SETTLED = 0.005


@dataclass(frozen=True)
class Space:
    """The normalized embeddings of a language.

    Attributes:
        mean: The mean, `[d]`.
        rows: The centered rows at unit length, `[n, d]`, without rows of zeros.
        norms: The lengths of the centered rows, `[n]`.
        kept: The indices of the rows in the original embeddings, `[n]`.
    """

    mean: Floats
    rows: Floats
    norms: Floats
    kept: Integers


# first(source space, language space, seed pairs or None, random numbers) returns a rotation W [d, d], with y W close
# to x.
FirstRotation = Callable[[Space, Space, Optional[Integers], np.random.Generator], Floats]


def space_of(rows: NDArray[np.float32]) -> Space:
    """Normalize the embeddings `[n, d]` of a language."""
    kept = np.flatnonzero(rows.any(axis=1))
    rows = np.asarray(rows[kept], dtype=np.float32)
    mean = rows.mean(axis=0, dtype=np.float64) if len(rows) else np.zeros(rows.shape[1])
    centered = (rows - mean).astype(np.float32)
    return Space(mean.astype(np.float32), unit_rows(centered), np.linalg.norm(centered, axis=1), kept)


@dataclass(frozen=True)
class Found:
    """Pairs `[p, 2]` (row of x, row of y) with their metrics. See `AlignmentReport`."""

    pairs: Integers
    score: float
    agreed: tuple[float, float]
    iterations: int
    converged: bool

    @classmethod
    def nothing(cls) -> "Found":
        """Return the result without any pair."""
        return cls(np.zeros((0, 2), dtype=np.int64), float("-inf"), (0.0, 0.0), 0, False)


def refine(x: Floats, y: Floats, w: Floats, sizes: list[int], iterations: int, rng: np.random.Generator) -> Found:
    """Refine a rotation, and return the pairs that it finds.

    Each iteration fits the next rotation (Procrustes) on the mutual nearest neighbors by CSLS. The first iterations use
    random samples of the rows. The last ones use all rows until the score has converged.

    Args:
        x: Unit rows of the source, `[n, d]`.
        y: Unit rows of the language, `[m, d]`.
        w: The first rotation, `[d, d]`.
        sizes: The sizes of the samples.
        iterations: The maximum number of iterations on all rows.
        rng: Random numbers.
    """
    for size in sizes:
        i, j = rng.permutation(len(x))[:size], rng.permutation(len(y))[:size]
        pairs, _ = scored_mutual_nearest(x[i], y[j] @ w)
        w = _rotation(x[i], y[j], pairs)
    best, converged, used = -np.inf, False, 0
    while used < iterations and not converged:
        used += 1
        pairs, scores = scored_mutual_nearest(x, y @ w)
        score = float(scores.mean(dtype=np.float64))
        converged = score < best + SETTLED
        if not converged:
            best, w = score, _rotation(x, y, pairs)
    return Found(pairs, score, agreement_of_rotation(x, y, w, rng), len(sizes) + used, converged)


def _rotation(x: Floats, y: Floats, pairs: Integers) -> Floats:
    """Return the rotation W `[d, d]` that maps the rows y of the pairs close to the rows x, as y W."""
    return rotation(y[pairs[:, 1]].astype(np.float64), x[pairs[:, 0]].astype(np.float64)).T.astype(np.float32)


@dataclass(frozen=True)
class Search:
    """The search of an aligner without a dictionary.

    Attributes:
        name: The name of the aligner, for error messages.
        first: Computes the first rotation.
        final: Fits the map on the pairs found.
        sample: The number of rows in the first iterations.
        cutoff: The number of rows in the last iterations, the first ones.
        iterations: The maximum number of iterations on all rows up to the cutoff.
        restarts: The number of attempts before a failure is reported.
        seed: The seed of the random numbers.
    """

    name: str
    first: FirstRotation
    final: Aligner
    sample: int
    cutoff: int
    iterations: int
    restarts: int
    seed: int

    def __post_init__(self) -> None:
        for field in ("sample", "cutoff", "iterations", "restarts"):
            if getattr(self, field) < 1:
                raise XltError(f"{self.name}: {field} is {getattr(self, field)}. It must be at least 1.")

    def run(
        self, embeddings: Mapping[str, NDArray[np.float32]], source: str, pairs: Optional[Pairs]
    ) -> tuple[dict[str, AffineMap], dict[str, AlignmentReport]]:
        """Return the maps and the reports of all languages. A language with a single row, its mean, has no report."""
        maps = {source: identity(check_embeddings(embeddings, source))}
        reports = {}
        x = space_of(embeddings[source])
        for language in sorted(set(embeddings) - {source}):
            y = space_of(embeddings[language])
            if min(len(x.rows), len(y.rows)) < FEWEST_ROWS:
                maps[language] = affine(y.mean, x.mean)
                if len(embeddings[language]) > 1:
                    reports[language] = self._verdict(language, x, y, Found.nothing())
                continue
            seeds = None
            if pairs is not None and len(pairs.get(language, [])):
                given = usable_pairs(embeddings, source, pairs, language, self.name)
                seeds = np.stack([np.searchsorted(x.kept, given[:, 1]), np.searchsorted(y.kept, given[:, 0])], axis=1)
            found = self._search(x, y, seeds)
            reports[language] = self._verdict(language, x, y, found)
            rows = np.stack([y.kept[found.pairs[:, 1]], x.kept[found.pairs[:, 0]]], axis=1)
            both = {language: embeddings[language], source: embeddings[source]}
            maps[language] = self.final.fit(both, source, {language: rows})[language]
        return maps, reports

    def _search(self, x: Space, y: Space, seeds: Optional[Integers]) -> "Found":
        """Return the first attempt that has not failed, or else the one with the best score."""
        tries = []
        of_x, of_y = x.rows[: self.cutoff], y.rows[: self.cutoff]
        sizes = [self.sample * 2**k for k in range(20) if self.sample * 2**k < max(len(of_x), len(of_y))]
        for attempt in range(self.restarts):
            rng = np.random.default_rng((self.seed, attempt))
            tries.append(refine(of_x, of_y, self.first(x, y, seeds, rng), sizes, self.iterations, rng))
            if not failed(tries[-1].agreed):
                return tries[-1]
        return max(tries, key=lambda each: each.score)

    def _verdict(self, language: str, x: Space, y: Space, found: "Found") -> AlignmentReport:
        return verdict(
            self.name,
            language,
            score=found.score,
            n_rows=min(len(x.rows), len(y.rows), self.cutoff),
            n_pairs=len(found.pairs),
            agreed=found.agreed,
            iterations=found.iterations,
            converged=found.converged,
            remedy="Add rows, use rows of the same kind on both sides, or pass some translations as pairs.",
        )
