"""From the descriptions of labels to prototypes."""

import re
from collections.abc import Sequence

import numpy as np

from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.heads.layer import Layer
from spacy_xlt.vectors import unit_rows
from spacy_xlt.zeroshot.base import Encode
from spacy_xlt.zeroshot.labels import DescribedLabel

# Between the parts of a description, in several scripts.
SEPARATORS = re.compile(r"[,;:|/،؛、，；：।]+")
# The concentration of scores without unlabeled texts. It changes how confident they are, and no prediction.
CONCENTRATION = 12.0


def split_description(description: str) -> list[str]:
    """Return a description and its parts, which are separated by commas, colons or semicolons.

    Example:
        >>> split_description("sports: matches, teams")
        ['sports: matches, teams', 'sports', 'matches', 'teams']
    """
    parts = [part.strip() for part in SEPARATORS.split(description)]
    return list(dict.fromkeys(part for part in (description, *parts) if part))


def describe_prototypes(labels: Sequence[DescribedLabel], encode: Encode) -> Layer:
    """Return the linear layer that compares a text with the descriptions of labels.

    The prototype of a label is the mean of the embeddings of its descriptions, of their parts and of its examples. The
    mean of all prototypes is subtracted, so that what all descriptions have in common, such as their language, counts
    for no label.

    Args:
        labels: At least two labels.
        encode: Returns the embeddings [n, d] of texts.

    Returns:
        The layer. Its weights are multiples of the prototypes, and its bias is 0, so all labels are equally probable
        for a text whose vector is 0.
    """
    texts = [
        [*(part for description in label.descriptions for part in split_description(description)), *label.examples]
        for label in labels
    ]
    vectors = encode([text for of_label in texts for text in of_label])
    groups = np.split(vectors, np.cumsum([len(of_label) for of_label in texts])[:-1])
    means = np.array([group.mean(axis=0) for group in groups])
    # About the distance of a text from the mean of all texts, which is not known here.
    spread = float(np.sqrt(np.square(vectors - vectors.mean(axis=0)).sum(axis=1).mean())) or 1.0
    weight: Floats2d = unit_rows(means - means.mean(axis=0)) * np.float32(CONCENTRATION / spread)
    return Layer(weight.astype(np.float32), np.zeros(len(labels), dtype=np.float32))
