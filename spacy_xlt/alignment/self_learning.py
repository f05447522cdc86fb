"""Self-learning: alignment without a dictionary, or from a small one."""

from collections.abc import Mapping
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import AffineMap, Floats
from spacy_xlt.alignment.base import Aligner, Integers, Pairs
from spacy_xlt.alignment.invariants import comparable, invariants
from spacy_xlt.alignment.procrustes import Procrustes, rotation
from spacy_xlt.alignment.report import AlignmentReport
from spacy_xlt.alignment.transport import FEATURES, match_softly
from spacy_xlt.alignment.unsupervised import Search, Space


class SelfLearning:
    """`spacy-xlt.SelfLearning.v1`: alignment without pairs by self-learning, as in unsupervised VecMap.

    - Start: as in the paper, a row is recognized by the distribution of its similarities to all other rows. Moments of
      the distribution (`invariants`) replace the sorted list, and soft matching (`match_softly`) replaces the matching
      of single rows, because the start of the paper fails on the words of a multilingual encoder. If there are `pairs`
      (a small dictionary or identical strings), they are a start as well.
    - Stochastic dictionary induction: each iteration uses a random sample of the rows of each side. The size of the
      sample doubles until all rows are used. The pairs are mutual nearest neighbors by CSLS.
    - Final map: `aligner` is fitted on the last pairs. VecMap ends with a re-weighting; pass `VecMap` for it. It needs
      more pairs than dimensions.

    Rotations and reflections are found, but no scale. A failure gives an `AlignmentWarning`.

    Args:
        aligner: Fits the final map. The default is `Procrustes`.
        sample: The number of rows in the first iterations.
        cutoff: The number of rows in the last iterations, the first ones. Put frequent words first.
        turns: The number of soft matchings.
        iterations: The maximum number of iterations on all rows up to the cutoff.
        restarts: The number of attempts before a failure is reported.
        seed: The seed of the random numbers.

    Attributes:
        report: An `AlignmentReport` for each language.

    References:
        Artetxe, Labaka and Agirre (2018), A Robust Self-Learning Method for Fully Unsupervised Cross-Lingual Mappings
        of Word Embeddings, sections 3.2 (start) and 3.3 (dictionary induction).
    """

    needs_pairs = False

    def __init__(
        self,
        aligner: Optional[Aligner] = None,
        sample: int = 4000,
        cutoff: int = 20000,
        turns: int = 25,
        iterations: int = 5,
        restarts: int = 2,
        seed: int = 0,
    ) -> None:
        self.turns = turns
        self.sample = sample
        self.search = Search(
            "SelfLearning", self._first, aligner or Procrustes(), sample, cutoff, iterations, restarts, seed
        )
        self.report: dict[str, AlignmentReport] = {}

    def fit(
        self, embeddings: Mapping[str, NDArray[np.float32]], source: str, pairs: Optional[Pairs] = None
    ) -> dict[str, AffineMap]:
        """See `Aligner.fit`. `pairs` are optional. They are only a start and may contain errors."""
        maps, self.report = self.search.run(embeddings, source, pairs)
        return maps

    def _first(self, x: Space, y: Space, seeds: Optional[Integers], rng: np.random.Generator) -> Floats:
        """See `FirstRotation`."""
        features = comparable(invariants(x.rows, x.norms), invariants(y.rows, y.norms), FEATURES)
        start = None
        if seeds is not None:
            start = rotation(y.rows[seeds[:, 1]], x.rows[seeds[:, 0]]).T.astype(np.float32)
        return match_softly(x.rows, y.rows, self.sample, self.turns, rng, features, start)
