"""How likely the base of an FAQ has an answer to a question, and from what probability on it is given."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import Floats
from spacy_xlt.errors import XltError
from spacy_xlt.heads.logistic import fit_path
from spacy_xlt.search.answers import FEATURES

# The calibration for the default encoder, which benchmarks/faq.py writes.
DEFAULT_FILE = Path(__file__).parent / "confidence.json"
L2 = 1.0
FEWEST = 20


@dataclass(frozen=True)
class Confidence:
    """A logistic regression on the figures of `answers.features`, and a threshold.

    Attributes:
        weights: The weights, `[3]`.
        bias: The bias.
        threshold: The lowest probability with which an answer is given.
    """

    weights: tuple[float, ...]
    bias: float
    threshold: float

    def __call__(self, rows: Floats) -> Floats:
        """Return the probability `[q]` that the base has an answer, from the features `[q, 3]`."""
        logits = np.asarray(rows, dtype=np.float64) @ np.array(self.weights) + self.bias
        return np.asarray(1.0 / (1.0 + np.exp(-logits.clip(-50, 50))))

    def to_dict(self) -> dict[str, Any]:
        """Return the calibration as a dictionary that can be written as JSON."""
        return {"weights": list(self.weights), "bias": self.bias, "threshold": self.threshold}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Confidence":
        """Return the calibration that `to_dict` has written.

        Raises:
            XltError: The content is damaged.
        """
        try:
            weights = tuple(float(weight) for weight in content["weights"])
            found = cls(weights, float(content["bias"]), float(content["threshold"]))
        except (KeyError, TypeError, ValueError) as error:
            raise XltError(f"The calibration of the FAQ is damaged ({error!r}). Calibrate it again.") from error
        if len(found.weights) != FEATURES or not np.isfinite([*found.weights, found.bias, found.threshold]).all():
            raise XltError("The calibration of the FAQ is damaged. Calibrate it again.")
        return found

    @classmethod
    def default(cls) -> "Confidence":
        """Return the calibration for the default encoder."""
        return cls.from_dict(json.loads(DEFAULT_FILE.read_text(encoding="utf8")))


def fit_confidence(rows: Floats, in_scope: NDArray[np.bool_], *, false_alarms: float = 0.05) -> Confidence:
    """Fit a calibration on questions of which it is known whether the base has an answer.

    Args:
        rows: The features of each question, `[n, 3]`.
        in_scope: Whether the base has an answer to each question, `[n]`.
        false_alarms: The share of the questions in scope that may be refused.

    Returns:
        The calibration. The threshold refuses this share of the questions in scope.

    Raises:
        XltError: There are too few questions, or all of them are in scope, or none is.

    References:
        Platt (1999), Probabilistic Outputs for Support Vector Machines, section 2.
    """
    if len(rows) < FEWEST or in_scope.all() or not in_scope.any():
        raise XltError(
            f"There are {len(rows)} questions, and {int(in_scope.sum())} of them have an answer in the base. A "
            f"calibration needs at least {FEWEST} questions, some with an answer and some without."
        )
    mean, deviation = rows.mean(axis=0, dtype=np.float64), rows.std(axis=0, dtype=np.float64)
    deviation[deviation == 0] = 1.0
    standardized = np.asarray((rows - mean) / deviation, dtype=np.float32)
    (layer,) = fit_path(standardized, in_scope[:, None].astype(np.float32), [L2], exclusive=False)
    weights = layer.weight[0].astype(np.float64) / deviation
    found = Confidence(tuple(weights.tolist()), float(layer.bias[0] - weights @ mean), 0.0)
    threshold = float(np.quantile(found(rows)[in_scope], false_alarms))
    return Confidence(found.weights, found.bias, threshold)
