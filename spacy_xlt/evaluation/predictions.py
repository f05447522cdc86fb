"""What a text categorizer predicts for Docs, as arrays."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from spacy.pipeline.textcat import TextCategorizer
from spacy.pipeline.textcat_multilabel import MultiLabel_TextCategorizer
from spacy.tokens import Doc

from spacy_xlt.heads.thresholds import read_thresholds

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def is_multilabel(head: TextCategorizer) -> bool:
    """Whether a text can have several labels or none."""
    return isinstance(head, MultiLabel_TextCategorizer)


def probabilities_of(head: TextCategorizer, docs: Sequence[Doc]) -> Floats:
    """Return the probabilities of the labels, [n, labels]."""
    return np.array([[doc.cats[label] for label in head.labels] for doc in docs]).reshape(len(docs), len(head.labels))


def labels_of(head: TextCategorizer, probabilities: Floats) -> Bools:
    """Return which labels are predicted, [n, labels].

    Args:
        head: The text categorizer.
        probabilities: The probabilities of its labels, [n, labels].
    """
    if is_multilabel(head):
        return np.asarray(probabilities >= read_thresholds(head.cfg, head.labels))
    return np.asarray(probabilities.argmax(axis=1)[:, None] == np.arange(len(head.labels)))
