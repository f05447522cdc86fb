"""The accuracy that a classifier can be expected to have on unlabeled texts, given figures of its predictions.

A ridge regression estimates the log-odds of the accuracy. Its weights are in estimate.json, which
benchmarks/estimate.py writes: it fits them on the predictions of many models for several tasks, and chooses the width
of the intervals so that they cover 90% of the accuracies of a task that the regression has not seen.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Optional

import numpy as np

from spacy_xlt.heads.confidence import ConfidenceSums, SourceFigures, prediction_figures

# Figures that enter the regression as log-odds; the others enter as they are.
SHARES = ("confidence", "certain", "likely", "sure")


@dataclass(frozen=True)
class Expected:
    """An expected accuracy.

    Attributes:
        accuracy: The expected accuracy.
        interval: The interval that contains the accuracy with a probability of 90%.
    """

    accuracy: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Regression:
    """A linear regression for the log-odds of the accuracy.

    Attributes:
        weights: The weight of each figure. The figure `one` is always 1.
        variances: The variance of the error without the sampling errors: `one`, plus `label_excess` times the square of
            that figure. Labels that are predicted too often make an estimate less certain: either the predictions are
            bad, or the texts have another label prior.
        quantile: The half-width of the interval in standard deviations.
    """

    weights: Mapping[str, float]
    variances: Mapping[str, float]
    quantile: float


@lru_cache(maxsize=1)
def read_regressions() -> dict[str, Regression]:
    """Read the packaged regressions: `source` needs the figures of the source language, `alone` does not."""
    text = (files("spacy_xlt.evaluation") / "estimate.json").read_text(encoding="utf8")
    content: dict[str, Any] = json.loads(text)
    return {
        name: Regression(each["weights"], each["variances"], each["quantile"])
        for name, each in content["regressions"].items()
    }


def expected_accuracy(sums: ConfidenceSums, source: Optional[SourceFigures]) -> Expected:
    """Estimate the accuracy of a classifier on unlabeled texts.

    With the figures of the source language, the difference of the log-odds to those of the source's accuracy is
    estimated. Predictions that look like those for the source therefore get the source's accuracy.

    Args:
        sums: The sums over the predictions for the texts.
        source: The figures of the source language; None if they are not known.

    References:
        Guillory et al. (2021), "Predicting with confidence on unseen distributions", section 3 (differences of
        confidence). Garg et al. (2022), "Leveraging unlabeled data to predict out-of-distribution performance" (ATC).
    """
    regression = read_regressions()["alone" if source is None else "source"]
    return apply(regression, sums, source)


def apply(regression: Regression, sums: ConfidenceSums, source: Optional[SourceFigures]) -> Expected:
    """Apply a regression: see `expected_accuracy`."""
    features = make_features(sums, source)
    center = sum(weight * features[name] for name, weight in regression.weights.items())
    if source is not None:
        center += log_odds(source.accuracy, source.sums.n)
    variance = sum(regression.variances[name] * term for name, term in variance_terms(features).items())
    half = regression.quantile * np.sqrt(variance + sampling_variances(center, sums, source))
    return Expected(share(center), (share(center - half), share(center + half)))


def make_features(sums: ConfidenceSums, source: Optional[SourceFigures]) -> dict[str, float]:
    """Return what a regression multiplies with its weights: figures, or differences to those of the source."""
    labels = len(sums.probabilities)
    if source is None:
        return {"one": 1.0, **_transformed(sums, [1.0 / labels] * labels)}
    own, others = _transformed(sums, source.prior), _transformed(source.sums, source.prior)
    return {name: own[name] - others[name] for name in own}


def _transformed(sums: ConfidenceSums, prior: Sequence[float]) -> dict[str, float]:
    figures = prediction_figures(sums, prior)
    return {name: log_odds(value, sums.n) if name in SHARES else value for name, value in figures.items()}


def log_odds(value: float, n: int) -> float:
    """Return the log-odds of a share of n texts, moved away from 0 and 1 by half a text."""
    smoothed = (value * n + 0.5) / (n + 1)
    return float(np.log(smoothed) - np.log1p(-smoothed))


def share(odds: float) -> float:
    """Return the share that has these log-odds."""
    return float(1.0 / (1.0 + np.exp(-odds)))


def variance_terms(features: Mapping[str, float]) -> dict[str, float]:
    """Return what `Regression.variances` are multiplied with, given the features of `make_features`."""
    return {"one": 1.0, "label_excess": features["label_excess"] ** 2}


def sampling_variances(center: float, sums: ConfidenceSums, source: Optional[SourceFigures]) -> float:
    """Return the variance of the log-odds that the number of texts, and of texts of the source, causes."""
    variance = _sampling_variance(center, sums.n)
    if source is not None:
        variance += _sampling_variance(log_odds(source.accuracy, source.sums.n), source.sums.n)
    return variance


def _sampling_variance(odds: float, n: int) -> float:
    """The variance of the log-odds of the accuracy of n texts (delta method)."""
    accuracy = share(odds)
    return 1.0 / (n * accuracy * (1.0 - accuracy))
