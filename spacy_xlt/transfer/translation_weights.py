"""Choose how much the translations of texts count in a language."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.projection import DEFAULT_TRANSLATION_WEIGHT
from spacy_xlt.encoders.base import Floats2d

# The weights that are compared: 0 uses the text only, 1 its translation only.
GRID = (0.0, 0.25, 0.5, 0.75, 1.0)

Head = Callable[[Floats2d], Floats2d]


class Embedded(NamedTuple):
    """Texts of a language and their translations.

    Args:
        projected: The projected embeddings of the texts, `[n, d]`.
        translated: The embeddings of their translations, `[n, d]`.
    """

    projected: Floats2d
    translated: Floats2d


def weight_by_labels(
    texts: Embedded, gold: NDArray[np.floating], head: Head, *, default: float = DEFAULT_TRANSLATION_WEIGHT
) -> float:
    """Choose the weight with the highest accuracy on labeled texts.

    The default weight is kept unless another weight is better by more than one standard error of the difference.
    Without labels, the default is hard to improve: see benchmarks/results/gloss.md.

    Args:
        texts: The texts.
        gold: 1 where a text has a label, else 0: `[n, labels]`.
        head: Computes the probabilities of the labels from embeddings.
        default: The default weight, one of `GRID`.
    """
    correct = {weight: _correct(head(mix(texts, weight)), gold) for weight in GRID}
    best = max(GRID, key=lambda weight: (correct[weight].mean(), -abs(weight - default)))
    difference = correct[best] - correct[default]
    standard_error = difference.std() / np.sqrt(len(difference))
    return best if difference.mean() > standard_error else default


def mix(texts: Embedded, weight: float) -> Floats2d:
    """Average the embeddings of texts and translations, `[n, d]`. The translations have the given weight."""
    return np.asarray((1 - weight) * texts.projected + weight * texts.translated, dtype=np.float32)


def _correct(probabilities: Floats2d, gold: NDArray[np.floating]) -> NDArray[np.floating]:
    """How correct the prediction of each text is, `[n]`: its label, or the share of correct decisions on labels."""
    if (gold.sum(axis=1) == 1).all():
        return np.asarray(gold[np.arange(len(gold)), probabilities.argmax(axis=1)])
    return np.asarray(((probabilities >= 0.5) == (gold >= 0.5)).mean(axis=1))
