"""Estimate the probability that a text is in none of the languages of the model (open-set recognition).

A text in an unknown language has n-grams that are rare in the best language, and the scores of several languages are
similar. Four features of the scores measure this, and a logistic regression for each length class combines them.
benchmarks/langdetect_unknown.py fits it on texts whose language was removed from the model, and on noise. The threshold
is a quantile of texts in known languages.

References:
    Scheirer et al. (2013), Toward Open Set Recognition.
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

# A text with fewer n-grams, such as a word of three letters or three Chinese characters, is too short for `xx`.
LEAST_NGRAMS = 12


@dataclass(frozen=True)
class Scores:
    """The scores of texts.

    Attributes:
        values: The log-likelihoods in nats, `[texts, classes]`, not normalized.
        ngrams: The number of n-grams of each text, `[texts]`.
        known: The number of n-grams that the model has, `[texts]`.
        used: The number of n-grams that have a weight for the best class, `[texts]`.
    """

    values: NDArray[np.float64]
    ngrams: NDArray[np.int64]
    known: NDArray[np.int64]
    used: NDArray[np.int64]


def unknown_features(scores: Scores, typical: Floats, languages: Sequence[str]) -> Floats:
    """Return four features of each text, their squares and their products.

    The features are:

    - the best score per n-gram;
    - its distance to the score of the next language per n-gram (0 is the score of the next language if the script has
      only one language);
    - the share of the n-grams that have a weight for the best language;
    - the share of the n-grams that the model has.

    The typical values of the best language are subtracted from the first three.

    Args:
        scores: The scores of the texts.
        typical: The means of the first three features over texts of each class, `[classes, 3]`.
        languages: The language of each class. Varieties of one language do not count as different languages.

    Returns:
        The features, `[n, 14]`.
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
    """Return the logits of the logistic regression.

    Args:
        features: The features of the texts, `[n, 14]`.
        classes: The length class of each text, `[n]`.

    Returns:
        The logits, `[n]`.
    """
    weights = np.array(read_calibration()["unknown"]["weights"], dtype=np.float64)[classes]
    logits: Floats = weights[:, 0] + (weights[:, 1:] * features).sum(axis=1)
    return logits


def unknown_probability(names: Sequence[str], parts: Sequence[Part], scores: Scores, rate: float) -> Floats:
    """Return the probability that a part of a text is in none of the languages.

    Args:
        names: The classes of the model, such as `deu_Latn`.
        parts: The parts of texts, all in one script.
        scores: The scores of these parts for these classes.
        rate: The share of texts in known languages whose probability is above .5.

    Returns:
        The probabilities, `[n]`. They are 0 for very short parts.
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
