"""The temperature of a classifier: how sure its scores are, set right without changing an answer."""

from typing import Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.extras import require
from spacy_xlt.heads.losses import Floats, cross_entropy, log_probabilities

# Temperatures from e^-3 to e^3 are looked at.
WIDEST = 3.0
# Smaller probabilities have no logarithm to speak of.
LEAST = 1e-12


def fit_temperature(
    scores: Floats,
    gold: Floats,
    *,
    importance: Optional[NDArray[np.floating]] = None,
    known: Optional[NDArray[np.floating]] = None,
    center: float | Floats = 0.0,
    exclusive: bool = True,
) -> float:
    """The temperature that, dividing the scores [n, labels], makes them fit the gold [n, labels] best; no text: 1.

    A head that is held back by its penalty is less sure than it is right, a fine-tuned model is far too sure (Guo et
    al. 2017, section 4.2). importance: [n]; None: all 1.
    known: [n, labels], 0 where the gold does not say whether a text has a label; None: it says so everywhere.
    center: what is divided is the difference of the scores to it, [labels].
    """
    if not len(scores):
        return 1.0

    require("train", "scipy")
    from scipy.optimize import minimize_scalar

    weights = np.ones(len(scores)) if importance is None else importance

    def loss(logarithm: float) -> float:
        logs, _ = log_probabilities(center + (scores - center) / np.exp(logarithm), exclusive)
        return float((weights * cross_entropy(gold, logs, known)).sum())

    return float(np.exp(minimize_scalar(loss, bounds=(-WIDEST, WIDEST)).x))


def tempered_losses(
    scores: Floats, gold: Floats, *, importance: Optional[NDArray[np.floating]] = None, exclusive: bool = True
) -> Floats:
    """The cross entropies [n] at the best temperature, times the importance: to compare heads on dev texts.

    A fine-tuned model is far too sure of itself, and else anything that makes it less sure would win, whether it is
    right more often or not.
    """
    best = fit_temperature(scores, gold, importance=importance, exclusive=exclusive)
    losses = cross_entropy(gold, log_probabilities(scores / best, exclusive)[0])
    return losses if importance is None else np.asarray(importance * losses)


def scores_of(probabilities: Floats) -> Floats:
    """Scores [n, labels] that give these probabilities, where labels exclude each other."""
    return np.asarray(np.log(np.maximum(probabilities, LEAST)))


def temper(probabilities: Floats, temperature: float) -> Floats:
    """The probabilities [n, labels] of scores that are divided by a temperature; none of them is 0."""
    tempered = log_probabilities(scores_of(probabilities) / temperature, exclusive=True)[1]
    return np.asarray(np.maximum(tempered, LEAST))
