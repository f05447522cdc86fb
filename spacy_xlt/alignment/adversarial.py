"""Adversarial alignment: a rotation that fools a discriminator, then refinement. It needs torch."""

from collections.abc import Mapping
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import AffineMap, Floats
from spacy_xlt.alignment.base import Aligner, Integers, Pairs
from spacy_xlt.alignment.invariants import comparable, invariants
from spacy_xlt.alignment.procrustes import Procrustes
from spacy_xlt.alignment.report import AlignmentReport
from spacy_xlt.alignment.transport import FEATURES, match_softly
from spacy_xlt.alignment.unsupervised import Search, Space

HIDDEN = 256
BATCH = 256
DROPOUT = 0.1
SMOOTHING = 0.1
# b of the orthogonality update. With 1/2 it is the iteration of Björck and Bowie (1971), which converges quadratically.
ORTHOGONALITY = 0.5
DISCRIMINATOR_STEPS = 2
DISCRIMINATOR_RATE = 1e-3
ROTATION_RATE = 3e-3


class Adversarial:
    """`spacy-xlt.Adversarial.v1`: alignment without pairs by adversarial training, as in MUSE.

    A discriminator (with dropout on its input and label smoothing) is trained to distinguish mapped rows y W from rows
    x. W is trained to fool it, and is kept orthogonal by W <- (1 + b) W - b W W' W. Unlike in MUSE, the discriminator
    also sees features of each row that no rotation changes (`invariants`). Without them, the discriminator cannot
    distinguish the axes of a multilingual encoder, and W does not improve.

    The result is refined by soft matching (`match_softly`), and then by Procrustes on mutual nearest neighbors by CSLS,
    as in MUSE. The first restart that does not fail is used, judged without a dictionary. A failure gives an
    `AlignmentWarning`. The random state of torch is not changed.

    Args:
        aligner: Fits the final map on the pairs found. The default is `Procrustes`.
        steps: The number of training steps of W.
        sample: The number of rows in the first iterations of the refinement.
        cutoff: The number of rows in the last iterations, the first ones. Put frequent words first.
        turns: The number of soft matchings.
        iterations: The maximum number of iterations on all rows up to the cutoff.
        restarts: The number of attempts before a failure is reported.
        seed: The seed of the random numbers.

    Attributes:
        report: An `AlignmentReport` for each language.

    References:
        Conneau et al. (2018), Word Translation Without Parallel Data, sections 2.1 (training) and 2.2 (refinement).
    """

    needs_pairs = False

    def __init__(
        self,
        aligner: Optional[Aligner] = None,
        steps: int = 400,
        sample: int = 4000,
        cutoff: int = 20000,
        turns: int = 30,
        iterations: int = 5,
        restarts: int = 2,
        seed: int = 0,
    ) -> None:
        self.steps = steps
        self.turns = turns
        self.sample = sample
        self.search = Search(
            "Adversarial", self._first, aligner or Procrustes(), sample, cutoff, iterations, restarts, seed
        )
        self.report: dict[str, AlignmentReport] = {}

    def fit(
        self, embeddings: Mapping[str, NDArray[np.float32]], source: str, pairs: Optional[Pairs] = None
    ) -> dict[str, AffineMap]:
        """See `Aligner.fit`. `pairs` are not used."""
        maps, self.report = self.search.run(embeddings, source, None)
        return maps

    def _first(self, x: Space, y: Space, seeds: Optional[Integers], rng: np.random.Generator) -> Floats:
        """See `FirstRotation`."""
        of_x, of_y = comparable(invariants(x.rows, x.norms), invariants(y.rows, y.norms), FEATURES)
        w = play(x.rows, y.rows, of_x, of_y, self.steps, rng)
        return match_softly(x.rows, y.rows, self.sample, self.turns, rng, (of_x, of_y), start=w)


def play(x: Floats, y: Floats, of_x: Floats, of_y: Floats, steps: int, rng: np.random.Generator) -> Floats:
    """Train a rotation W `[d, d]` against a discriminator.

    Args:
        x: Unit rows of the source, `[n, d]`.
        y: Unit rows of the language, `[m, d]`.
        of_x: The features of x, `[n, f]`.
        of_y: The features of y, `[m, f]`.
        steps: The number of steps.
        rng: Random numbers.
    """
    import torch

    def rows(vectors: Floats, features: Floats) -> Any:
        # Every column gets a variance of about 1.
        scaled = vectors * np.sqrt(vectors.shape[1]), features * np.sqrt(features.shape[1])
        return torch.from_numpy(np.concatenate(scaled, axis=1).astype(np.float32))

    width = x.shape[1]
    all_x, all_y = rows(x, of_x), rows(y, of_y)
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(int(rng.integers(2**31)))
        discriminator = torch.nn.Sequential(
            torch.nn.Dropout(DROPOUT),
            torch.nn.Linear(all_x.shape[1], HIDDEN),
            torch.nn.LeakyReLU(0.2),
            torch.nn.Linear(HIDDEN, HIDDEN),
            torch.nn.LeakyReLU(0.2),
            torch.nn.Linear(HIDDEN, 1),
        )
        w = torch.eye(width, requires_grad=True)
        judge = torch.optim.Adam(discriminator.parameters(), DISCRIMINATOR_RATE, betas=(0.5, 0.99))
        turner = torch.optim.Adam([w], ROTATION_RATE, betas=(0.5, 0.99))
        loss = torch.nn.BCEWithLogitsLoss()
        says_x, says_y = torch.full((BATCH,), 1 - SMOOTHING), torch.full((BATCH,), SMOOTHING)

        def mapped() -> Any:
            batch = all_y[torch.randint(len(all_y), (BATCH,))]
            return torch.cat([batch[:, :width] @ w, batch[:, width:]], dim=1)

        for _ in range(steps):
            discriminator.train()
            for _ in range(DISCRIMINATOR_STEPS):
                seen = torch.cat([all_x[torch.randint(len(all_x), (BATCH,))], mapped().detach()])
                judge.zero_grad()
                loss(discriminator(seen)[:, 0], torch.cat([says_x, says_y])).backward()
                judge.step()
            discriminator.eval()
            turner.zero_grad()
            loss(discriminator(mapped())[:, 0], says_x).backward()
            turner.step()
            with torch.no_grad():
                w.copy_((1 + ORTHOGONALITY) * w - ORTHOGONALITY * w @ w.T @ w)
        found = w.detach().numpy().astype(np.float64)
    left, _, right = np.linalg.svd(found)
    return np.asarray(left @ right, dtype=np.float32)
