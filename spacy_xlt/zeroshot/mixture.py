"""Sharpen prototypes on unlabeled texts with a mixture of von Mises-Fisher distributions."""

from dataclasses import dataclass
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.encoders.base import Floats1d, Floats2d
from spacy_xlt.errors import XltError
from spacy_xlt.heads.layer import Layer
from spacy_xlt.heads.losses import Floats, log_probabilities
from spacy_xlt.vectors import unit_rows

MIN_TEXTS = 10
MAX_STEPS = 50
TOLERANCE = 1e-4
# A description counts as much as so many texts, and as this fraction of the texts of an average label: see
# docs/zero-shot.md.
DESCRIPTION_TEXTS, DESCRIPTION_SHARE = 10.0, 0.4
# Pseudo-counts of the prior, as a fraction of the texts of an average label.
PRIOR_SHARE = 0.4
# The first value of the concentration, and its limits. Below, every text belongs to all labels, and the estimate only
# falls further; above, every text belongs to one label. Estimates on SIB-200 and on the tickets are 22 to 26.
CONCENTRATION, LOWEST, HIGHEST = 20.0, 10.0, 50.0
# The share of texts that belong to no label, if it is not given.
NONE_SHARE = 0.1
TEMPERATURES = (0.2, 20.0)


@dataclass(frozen=True)
class Sharpened:
    """The result of `sharpen`.

    Attributes:
        layer: The linear layer. With a none label, its last row is that label.
        prior: The shares of the labels, given or estimated, [labels].
        concentration: The concentration of the texts of a label around its prototype.
        agreement: The share of texts whose prediction did not change.
        temperature: What the scores were divided by.
    """

    layer: Layer
    prior: Floats
    concentration: float
    agreement: float
    temperature: float


def sharpen(
    prototypes: Floats2d,
    vectors: Floats2d,
    origin: Floats1d,
    *,
    prior: Optional[Floats] = None,
    none_share: Optional[float] = None,
) -> Sharpened:
    """Move prototypes towards the texts that resemble them.

    The texts are modeled as a mixture of von Mises-Fisher distributions, one for each label, which share a
    concentration. Expectation maximization estimates their mean directions, the concentration and the prior. The
    prototypes are the prior of the mean directions, so a label keeps its meaning.

    The concentration is estimated for the effective number of dimensions, tr(C)^2 / tr(C^2) for the covariance C of the
    texts. With all dimensions it would be many times too high. The scores are then divided by the temperature at which
    the mean confidence equals the share of texts whose prediction did not change, because the disagreement of two
    classifiers estimates their error.

    Args:
        prototypes: Of unit length, [labels, d].
        vectors: The projected embeddings of unlabeled texts, [n, d].
        origin: The mean of the projected embeddings of texts, [d].
        prior: The shares of the labels; None: they are estimated.
        none_share: The share of texts that belong to no label; None: there are none. These texts are modeled by a
            uniform distribution.

    Raises:
        XltError: There are fewer than 10 texts.

    References:
        Banerjee et al. (2005), "Clustering on the unit hypersphere using von Mises-Fisher distributions", section 4
        and equation 4.4 (concentration). Jiang et al. (2022), "Assessing generalization of SGD via disagreement",
        section 4.
    """
    filled = vectors[vectors.any(axis=1)]
    if len(filled) < MIN_TEXTS:
        raise XltError(
            f"There are {len(filled)} unlabeled texts that are not blank. Give at least {MIN_TEXTS}, or none."
        )
    # Without the direction of the origin, the scores of a blank text, whose vector is 0, are those of the prior.
    axis = origin / (np.linalg.norm(origin) or 1.0)
    rows = _without(filled - origin, axis).astype(np.float64)
    spread = float(np.linalg.norm(rows, axis=1).mean()) or 1.0
    rows /= spread
    start = unit_rows(_without(prototypes, axis)).astype(np.float64)
    directions, concentration, shares = _fit(rows, start, prior, none_share)
    scores = concentration * rows @ directions.T + np.log(shares)
    agreement = float((scores.argmax(axis=1) == (rows @ start.T).argmax(axis=1)).mean())
    temperature = _temperature(scores, agreement)
    weight = directions * (concentration / spread / temperature)
    bias = np.log(shares) / temperature
    if none_share is not None:
        weight = np.r_[weight, np.zeros_like(weight[:1])]
        bias = np.r_[bias, np.quantile(scores.max(axis=1), none_share) / temperature]
    layer = Layer(weight.astype(np.float32), bias.astype(np.float32))
    return Sharpened(layer, shares, concentration, agreement, temperature)


def _without(rows: NDArray[np.floating], axis: Floats1d) -> NDArray[np.floating]:
    """Return rows without their components along an axis of unit length."""
    return np.asarray(rows - np.outer(rows @ axis, axis))


def _fit(
    rows: Floats, start: Floats, prior: Optional[Floats], none_share: Optional[float]
) -> tuple[Floats, float, Floats]:
    """Return the mean directions [labels, d], the concentration and the prior [labels]."""
    n, labels = len(rows), len(start)
    covariance = np.cov(rows.T)
    dimensions = np.trace(covariance) ** 2 / max(np.square(covariance).sum(), 1e-12)
    per_label = n / labels
    directions, concentration = start, CONCENTRATION
    shares = np.full(labels, 1.0 / labels) if prior is None else prior
    before = np.zeros((n, labels))
    for _ in range(MAX_STEPS):
        posterior = _posterior(rows @ directions.T, concentration, shares, none_share, float(dimensions))
        if np.abs(posterior - before).max() < TOLERANCE:
            break
        before = posterior
        weight = DESCRIPTION_TEXTS + DESCRIPTION_SHARE * per_label
        directions = unit_rows(weight * start + posterior.T @ rows)
        if prior is None:
            counts = posterior.sum(axis=0) + PRIOR_SHARE * per_label
            shares = counts / counts.sum()
        mean = (posterior * (rows @ directions.T)).sum() / max(posterior.sum(), 1e-12)
        mean = min(max(mean, 0.01), 0.9)
        concentration = float(np.clip((mean * dimensions - mean**3) / (1.0 - mean**2), LOWEST, HIGHEST))
    return directions, concentration, shares


def _posterior(
    similarities: Floats, concentration: float, shares: Floats, none_share: Optional[float], dimensions: float
) -> Floats:
    """Return the probabilities [n, labels] of the labels; with a none share, rows add up to less than 1."""
    scores = concentration * similarities + np.log(shares)
    if none_share is None:
        return log_probabilities(scores, exclusive=True)[1]
    # The mean of exp(concentration * similarity) over the sphere, to the second order.
    uniform = concentration**2 / (2.0 * dimensions) + np.log(none_share / (1.0 - none_share))
    with_none = np.c_[scores, np.full(len(scores), uniform)]
    return np.asarray(log_probabilities(with_none, exclusive=True)[1][:, :-1])


def _temperature(scores: Floats, confidence: float) -> float:
    """Return the temperature at which the mean highest probability is a given confidence, by bisection."""
    low, high = np.log(TEMPERATURES)
    for _ in range(30):
        middle = (low + high) / 2.0
        mean = log_probabilities(scores / np.exp(middle), exclusive=True)[1].max(axis=1).mean()
        low, high = (middle, high) if mean > confidence else (low, middle)
    return float(np.exp((low + high) / 2.0))
