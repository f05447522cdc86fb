"""The temperature of a classifier: how sure its scores are, set right without changing an answer."""

from typing import Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.encoders.building import require
from spacy_xlt.transfer.output_layer import Floats, cross_entropy, log_probabilities

# Temperatures from e^-3 to e^3 are looked at.
WIDEST = 3.0


def fit_temperature(
    scores: Floats, gold: Floats, *, importance: Optional[NDArray[np.floating]] = None, exclusive: bool = True
) -> float:
    """The temperature that, dividing the scores [n, labels], makes them fit the gold [n, labels] best; no text: 1.

    A head that is held back by its penalty is less sure than it is right, a fine-tuned model is far too sure (Guo et
    al. 2017, section 4.2). importance: [n]; None: all 1.
    """
    if not len(scores):
        return 1.0
    require("train", "scipy")
    from scipy.optimize import minimize_scalar

    weights = np.ones(len(scores)) if importance is None else importance

    def loss(logarithm: float) -> float:
        logs, _ = log_probabilities(scores / np.exp(logarithm), exclusive)
        return float((weights * cross_entropy(gold, logs)).sum())

    return float(np.exp(minimize_scalar(loss, bounds=(-WIDEST, WIDEST)).x))


def temper(probabilities: Floats, temperature: float) -> Floats:
    """The probabilities [n, labels] of scores that are divided by a temperature; none of them is 0."""
    logs = np.log(np.maximum(probabilities, 1e-12))
    return np.asarray(np.maximum(log_probabilities(logs / temperature, exclusive=True)[1], 1e-12))
