"""Self-learning: two spaces are aligned without a dictionary, or from a small one, by the shape of their clouds."""

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
    """`spacy-xlt.SelfLearning.v1`: after Artetxe, Labaka & Agirre 2018b, "A robust self-learning method for fully
    unsupervised cross-lingual mappings of word embeddings" (VecMap).

    Start: rows are known again by the distribution of their similarities to all others, as in the paper, but by moments
    of it (`invariants`) in place of the sorted list, and matched softly (`match_softly`) in place of one to one: on
    4k words of a multilingual encoder our version of the paper's start found next to nothing. With `pairs` (a small
    dictionary, identical strings) it starts from these as well.
    Stochastic dictionary induction: each iteration sees `sample` rows of either side, drawn anew, and so a random share
    of the candidates; the share doubles until all rows take part. Pairs are mutual nearest neighbors by CSLS; rows
    after the first `cutoff` are not looked at (put frequent words first).
    Final map: by `aligner` from the pairs found last. (VecMap ends with its re-weighting: give `VecMap`. On thousands
    of words it found .005 more of them in Spanish, German and Russian and .003 fewer in Turkish than a rotation; it
    needs more pairs than dimensions.)

    Rotation and mirror image of the space are found, not its scale. `report` has an `AlignmentReport` for each
    language; a failure is warned about with `AlignmentWarning`.

    aligner: None is Procrustes.
    turns: soft matchings; iterations: the most on all rows; restarts: tries before a failure is reported.
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
        """See `Aligner.fit`; `pairs`, where there are any, are a start and not trusted."""
        maps, self.report = self.search.run(embeddings, source, pairs)
        return maps

    def _first(self, x: Space, y: Space, seeds: Optional[Integers], rng: np.random.Generator) -> Floats:
        """See `FirstRotation`."""
        features = comparable(invariants(x.rows, x.norms), invariants(y.rows, y.norms), FEATURES)
        start = None
        if seeds is not None:
            start = rotation(y.rows[seeds[:, 1]], x.rows[seeds[:, 0]]).T.astype(np.float32)
        return match_softly(x.rows, y.rows, self.sample, self.turns, rng, features, start)
