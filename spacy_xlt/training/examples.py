"""Training examples: texts with label distributions, target vectors, or both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.data.records import Record
from spacy_xlt.encoders.base import Floats1d
from spacy_xlt.errors import XltError


@dataclass(frozen=True)
class TrainingExample:
    """A text, its language and its targets.

    Attributes:
        text: The text.
        language: Its base code. The embedding is projected with the map of this language.
        target: Probabilities of the labels, [labels]. None if the example has only a target vector.
        vector: A target vector of unit length, [d]. None if the example has only labels.
        weight: The weight of the example in the loss.
    """

    text: str
    language: str
    target: Optional[Floats1d] = None
    vector: Optional[Floats1d] = None
    weight: float = 1.0


def gold_matrix(records: Sequence[Record], labels: Sequence[str]) -> NDArray[np.float64]:
    """Return the labels of records as a matrix [n, labels] of zeros and ones."""
    gold = [[float(label in record.labels) for label in labels] for record in records]
    return np.array(gold, dtype=np.float64).reshape(len(records), len(labels))


def check_labels(records: Sequence[Record], labels: Sequence[str], exclusive: bool) -> None:
    """Check that the model can predict the labels of records.

    Raises:
        XltError: The model does not have a label, or it predicts exactly one label and a record does not have one.
    """
    for record in records:
        for label in record.labels:
            if label not in labels:
                raise XltError(
                    f"{record.location}: the model does not have the label '{label}'. Use one of its labels: "
                    f"{', '.join(labels)}."
                )
        if exclusive and len(record.labels) != 1:
            raise XltError(
                f"{record.location}: the text has {len(record.labels)} labels, but the model predicts exactly one. "
                "Give one label."
            )


def make_examples(
    records: Sequence[Record], labels: Sequence[str], weights: Optional[NDArray[np.floating]] = None
) -> list[TrainingExample]:
    """Turn labeled records into training examples.

    Args:
        records: Labeled records.
        labels: The labels of the head, in its order.
        weights: The weight of each example in the loss, [n]. None gives all of them the weight 1.
    """
    gold = gold_matrix(records, labels).astype(np.float32)
    counted = np.ones(len(records)) if weights is None else weights
    return [
        TrainingExample(record.text, record.language, target, weight=float(weight))
        for record, target, weight in zip(records, gold, counted)
    ]
