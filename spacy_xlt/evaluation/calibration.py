"""Calibration: whether probabilities agree with the shares of correct predictions."""

import numpy as np
import numpy.typing as npt

from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.document import Calibration, ReliabilityBin

BINS = 10


def calibration(confidence: npt.ArrayLike, correct: npt.ArrayLike, bins: int = BINS) -> Calibration:
    """Return the expected calibration error and the bins of the reliability diagram.

    Args:
        confidence: The probability of each prediction, [n], from 0 to 1.
        correct: Whether each prediction is correct, [n].
        bins: The number of bins of equal width.

    Raises:
        XltError: There is no prediction, or the shapes differ.

    References:
        Naeini, Cooper and Hauskrecht (2015), "Obtaining well calibrated probabilities using Bayesian binning", section
        3 (ECE). Guo et al. (2017), "On calibration of modern neural networks", equations 3 and 5.
    """
    probabilities = np.asarray(confidence, dtype=np.float64)
    hits = np.asarray(correct, dtype=np.float64)
    if probabilities.shape != hits.shape or probabilities.ndim != 1 or not len(hits):
        raise XltError(
            f"confidence has the shape {probabilities.shape} and correct has the shape {hits.shape}. Both need one "
            "value for each prediction."
        )
    # A probability on the border of two bins belongs to the upper one, except for 1.
    places = np.minimum((probabilities * bins).astype(int), bins - 1)
    found = []
    error = 0.0
    for place in np.unique(places):
        rows = places == place
        mean, accuracy = float(probabilities[rows].mean()), float(hits[rows].mean())
        error += abs(mean - accuracy) * rows.mean()
        found.append(
            ReliabilityBin(
                lower=place / bins,
                upper=(place + 1) / bins,
                n=int(rows.sum()),
                confidence=min(max(mean, 0.0), 1.0),
                accuracy=accuracy,
            )
        )
    return Calibration(ece=min(float(error), 1.0), bins=found)
