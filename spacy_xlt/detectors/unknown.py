"""Whether a text is in none of the languages that the model knows: open-set recognition (Scheirer et al. 2013).

A text in an unknown language has n-grams that the best language seldom uses, and no language stands out. Four figures
of a text's scores say so; a logistic regression for each class of length joins them. It was fitted on texts whose own
language was taken out of the model, and on noise (benchmarks/langdetect_unknown.py). The threshold is the quantile
of the texts in known languages that leaves the wanted share of them above it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.detectors.calibration import length_classes, read_calibration
from spacy_xlt.detectors.parts import Part
from spacy_xlt.detectors.scripts import HAN, KANA, NAMES
from spacy_xlt.languages import base_code

Floats = NDArray[np.float64]

# A text of fewer n-grams (a word of three letters, three Chinese characters) is too short to be called unknown.
LEAST_NGRAMS = 12


@dataclass(frozen=True)
class Scores:
    """values: texts x classes, in nats, not normalized. ngrams: how many each text has. known: how many of them the
    model has. used: how many the best class has."""

    values: NDArray[np.float64]
    ngrams: NDArray[np.int64]
    known: NDArray[np.int64]
    used: NDArray[np.int64]


def unknown_features(scores: Scores, typical: Floats, languages: Sequence[str]) -> Floats:
    """Return four figures for each text, their squares and products: [n, 14].

    The figures: the best score for an n-gram; the distance to the next language for an n-gram (a language without a
    rival in its script has one that scores 0); the share of the n-grams that the best language has; the share that the
    model has. The first three are taken less what is typical of the best language.

    Args:
        scores: Of the texts.
        typical: The means of the first three figures over texts in each of the classes: [classes, 3].
        languages: The language of each class: varieties of one language are no rivals.
    """
    lengths = np.maximum(scores.ngrams, 1)
    best, highest = scores.values.argmax(axis=1), scores.values.max(axis=1)
    language_of = np.array(languages)
    rivals = np.where(language_of[best][:, None] == language_of, 0.0, scores.values).max(axis=1)
    figures = np.column_stack([highest, highest - rivals, scores.used, scores.known]) / lengths[:, None]
    figures[:, :3] -= typical[best]
    first, second = np.triu_indices(figures.shape[1])
    return np.column_stack([figures, figures[:, first] * figures[:, second]])


def unknown_logits(features: Floats, classes: NDArray[np.int64]) -> Floats:
    """Return the logits of the regression for texts of these classes of length."""
    weights = np.array(read_calibration()["unknown"]["weights"], dtype=np.float64)[classes]
    logits: Floats = weights[:, 0] + (weights[:, 1:] * features).sum(axis=1)
    return logits


def unknown_probability(names: Sequence[str], parts: Sequence[Part], scores: Scores, rate: float) -> Floats:
    """Return for each part the probability that it is in none of the languages: [n], above .5 for the wanted share of
    texts in known languages; 0 for very short ones.

    Args:
        names: The classes, as in the model.
        parts: Of texts in one script.
        scores: Of these parts for these classes.
        rate: The wanted share.
    """
    fitted = read_calibration()["unknown"]
    typical = np.array([fitted["typical"][name] for name in names], dtype=np.float64)
    classes = length_classes(parts)
    logits = unknown_logits(unknown_features(scores, typical, [base_code(name) for name in names]), classes)
    script = NAMES[HAN if parts[0].script == KANA else parts[0].script]
    thresholds = np.array([np.interp(rate, fitted["rates"], row) for row in fitted["thresholds"][script]])[classes]
    probability: Floats = 1.0 / (1.0 + np.exp(np.clip(thresholds - logits, -50.0, 50.0)))
    probability[scores.ngrams < LEAST_NGRAMS] = 0.0
    return probability
