"""Alignment without pairs: mutual nearest neighbors take the place of translations."""

from collections.abc import Mapping
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import AffineMap
from spacy_xlt.alignment.base import Aligner, Pairs
from spacy_xlt.alignment.centering import AnchoredCentering
from spacy_xlt.alignment.report import TRIED, AlignmentReport, agreement, verdict
from spacy_xlt.alignment.retrieval import scored_mutual_nearest
from spacy_xlt.alignment.ridge import RidgeToIdentity
from spacy_xlt.alignment.unsupervised import Space, space_of
from spacy_xlt.errors import XltError


class MutualNeighbors:
    """`spacy-xlt.MutualNeighbors.v1`: refinement for languages that an encoder has already aligned roughly.

    It starts from centered embeddings, uses mutual nearest neighbors by CSLS as translations, and fits `aligner` on
    them. This is repeated with the mapped rows until the pairs do not change. A language with fewer than `fewest`
    pairs, or whose alignment fails (see `AlignmentReport`), is only centered (`AnchoredCentering`), with an
    `AlignmentWarning`.

    Args:
        aligner: Learns from the pairs. The default is `RidgeToIdentity`.
        iterations: The maximum number of fits.
        fewest: The minimum number of pairs.
        seed: The seed of the sample of rows on which the alignment is checked.

    Attributes:
        report: An `AlignmentReport` for each language.

    References:
        Artetxe et al. (2017), Learning Bilingual Word Embeddings with (Almost) No Bilingual Data (self-learning).
        Conneau et al. (2018), Word Translation Without Parallel Data, section 2.2 (mutual neighbors by CSLS).
    """

    needs_pairs = False

    def __init__(
        self, aligner: Optional[Aligner] = None, iterations: int = 10, fewest: int = 50, seed: int = 0
    ) -> None:
        if iterations < 1 or fewest < 1:
            raise XltError(
                f"MutualNeighbors: iterations is {iterations} and fewest is {fewest}. Both must be at least 1."
            )
        self.aligner = aligner or RidgeToIdentity()
        self.iterations = iterations
        self.fewest = fewest
        self.seed = seed
        self.report: dict[str, AlignmentReport] = {}

    def fit(
        self, embeddings: Mapping[str, NDArray[np.float32]], source: str, pairs: Optional[Pairs] = None
    ) -> dict[str, AffineMap]:
        """See `Aligner.fit`. `pairs` are not used. A language with a single row, its mean, gets no report."""
        maps = AnchoredCentering().fit(embeddings, source)
        self.report = {}
        x = space_of(embeddings[source])
        for language in sorted(set(embeddings) - {source}):
            if len(embeddings[language]) > 1:
                found = self._fit_one(embeddings, source, language, x)
                if not self.report[language].failed and found is not None:
                    maps[language] = found
        return maps

    def _fit_one(
        self, embeddings: Mapping[str, NDArray[np.float32]], source: str, language: str, x: Space
    ) -> Optional[AffineMap]:
        """Return the map of a language, or None if there are too few pairs. Store its report."""
        y = space_of(embeddings[language])
        both = {language: embeddings[language], source: embeddings[source]}
        mapped, found, before, converged = y.rows, None, None, False
        pairs, score, used = np.zeros((0, 2), dtype=np.int64), float("-inf"), 0
        if len(x.rows) and len(y.rows):
            while used < self.iterations and not converged:
                used += 1
                pairs, scores = scored_mutual_nearest(x.rows, mapped)
                score = float(scores.mean(dtype=np.float64)) if len(pairs) else float("-inf")
                converged = before is not None and np.array_equal(pairs, before)
                if converged or len(pairs) < self.fewest:
                    break
                rows = np.stack([y.kept[pairs[:, 1]], x.kept[pairs[:, 0]]], axis=1)
                found = self.aligner.fit(both, source, {language: rows})[language]
                mapped, before = found(embeddings[language][y.kept]) - x.mean, pairs
        enough = len(pairs) >= self.fewest
        agreed, rng = (0.0, 0.0), np.random.default_rng(self.seed)
        if enough:
            some = [rows[rng.permutation(len(rows))[:TRIED]] for rows in (x.rows, y.rows)]
            agreed = agreement(*some)
        self.report[language] = verdict(
            "MutualNeighbors",
            language,
            score=score,
            n_rows=min(len(x.rows), len(y.rows)),
            n_pairs=len(pairs),
            agreed=agreed,
            iterations=used,
            converged=converged,
            remedy=f"It is only centered. Add rows to its {len(y.rows)}, or use rows of the same kind as '{source}'.",
        )
        return found if enough else None
