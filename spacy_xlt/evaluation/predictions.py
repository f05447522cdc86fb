"""What a classifier predicts for Docs, as arrays."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
from spacy.pipeline.textcat_multilabel import MultiLabel_TextCategorizer
from spacy.tokens import Doc

from spacy_xlt.heads.thresholds import read_thresholds
from spacy_xlt.pipeline.classifiers import TextClassifier

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def digest_of(text: str) -> str:
    """Return a hash of a text, by which two evaluations of the same texts are matched."""
    return blake2b(text.encode("utf8", "surrogatepass"), digest_size=8).hexdigest()


def is_multilabel(head: TextClassifier) -> bool:
    """Whether a text can have several labels or none."""
    return isinstance(head, MultiLabel_TextCategorizer)


def probabilities_of(head: TextClassifier, docs: Sequence[Doc]) -> Floats:
    """Return the probabilities of the labels, [n, labels]."""
    return np.array([[doc.cats[label] for label in head.labels] for doc in docs]).reshape(len(docs), len(head.labels))


def labels_of(head: TextClassifier, probabilities: Floats) -> Bools:
    """Return which labels are predicted, [n, labels].

    Args:
        head: The classifier.
        probabilities: The probabilities of its labels, [n, labels].
    """
    if isinstance(head, MultiLabel_TextCategorizer):
        return np.asarray(probabilities >= read_thresholds(head.cfg, head.labels))
    return np.asarray(probabilities.argmax(axis=1)[:, None] == np.arange(len(head.labels)))
