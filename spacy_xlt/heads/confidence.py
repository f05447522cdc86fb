"""How confident a classifier is on texts without labels: sums over its predictions, and figures made of them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.heads.layer import Layer

# Where a model's `nlp.meta` has its SourceFigures.
META_KEY = "xlt_estimate"
# Accuracy is not estimated from fewer texts.
FEWEST = 20
# The bounds of the shares of texts whose highest probability is above them.
LIKELY, SURE = 0.5, 0.9


@dataclass(frozen=True)
class ConfidenceSums:
    """Sums over the predictions for some texts. The sums of two sets of texts are added by `+`.

    Attributes:
        n: The number of texts.
        highest: The sum of the highest probabilities.
        likely: The number of texts whose highest probability is above .5.
        sure: The number of texts whose highest probability is above .9.
        entropy: The sum of the entropies, each divided by the logarithm of the number of labels.
        probabilities: The sum of the probabilities of each label.
        predicted: The number of texts for which each label is the most probable one.
    """

    n: int
    highest: float
    likely: int
    sure: int
    entropy: float
    probabilities: tuple[float, ...]
    predicted: tuple[int, ...]

    def __add__(self, other: "ConfidenceSums") -> "ConfidenceSums":
        return ConfidenceSums(
            self.n + other.n,
            self.highest + other.highest,
            self.likely + other.likely,
            self.sure + other.sure,
            self.entropy + other.entropy,
            tuple(a + b for a, b in zip(self.probabilities, other.probabilities, strict=True)),
            tuple(a + b for a, b in zip(self.predicted, other.predicted, strict=True)),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the sums as JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "ConfidenceSums":
        """Return the sums that `to_dict` returned."""
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in content.items()})


def sum_confidence(probabilities: NDArray[np.floating]) -> ConfidenceSums:
    """Return the sums over the predictions for texts.

    Args:
        probabilities: The predictions of a classifier with one label per text, [n, labels], at least two labels.
    """
    rows = np.asarray(probabilities, dtype=np.float64)
    labels = rows.shape[1]
    highest = rows.max(axis=1)
    entropies = -(rows * np.log(np.maximum(rows, 1e-12))).sum(axis=1) / np.log(labels)
    return ConfidenceSums(
        n=len(rows),
        highest=float(highest.sum()),
        likely=int((highest > LIKELY).sum()),
        sure=int((highest > SURE).sum()),
        entropy=float(entropies.sum()),
        probabilities=tuple(rows.sum(axis=0).tolist()),
        predicted=tuple(np.bincount(rows.argmax(axis=1), minlength=labels).tolist()),
    )


def prediction_figures(sums: ConfidenceSums, prior: Sequence[float]) -> dict[str, float]:
    """Return figures of the predictions for some texts, from which their accuracy can be estimated.

    Args:
        sums: The sums over the predictions; at least one text.
        prior: The share of each label in the source language, [labels].

    Returns:
        `confidence`, the mean of the highest probabilities; `likely` and `sure`, the shares of texts whose highest
        probability is above .5 and .9; `certainty`, 1 minus the mean entropy (0: all labels are equally probable);
        `label_distance`, the total variation distance of the predicted labels from the prior; `label_entropy` and
        `largest_label`, the entropy and the maximum of the mean prediction. All are between 0 and 1.
    """
    mean = np.array(sums.probabilities) / sums.n
    predicted = np.array(sums.predicted) / sums.n
    return {
        "confidence": sums.highest / sums.n,
        "likely": sums.likely / sums.n,
        "sure": sums.sure / sums.n,
        "certainty": 1.0 - sums.entropy / sums.n,
        "label_distance": float(0.5 * np.abs(predicted - np.asarray(prior)).sum()),
        "label_entropy": float(-(mean * np.log(np.maximum(mean, 1e-12))).sum() / np.log(len(mean))),
        "largest_label": float(mean.max()),
    }


@dataclass(frozen=True)
class SourceFigures:
    """The predictions of a classifier for labeled texts of the source language that it was not trained on.

    Attributes:
        head: The digest of the head that made the predictions, see `head_digest`.
        correct: The number of texts with the correct label.
        gold: The number of texts of each label.
        sums: The sums over the predictions.
    """

    head: str
    correct: int
    gold: tuple[int, ...]
    sums: ConfidenceSums

    @property
    def accuracy(self) -> float:
        return self.correct / self.sums.n

    @property
    def prior(self) -> tuple[float, ...]:
        """The share of each label, with one more text of each label."""
        return tuple((count + 1) / (self.sums.n + len(self.gold)) for count in self.gold)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON types, for `nlp.meta`."""
        return asdict(self)

    @classmethod
    def from_meta(cls, meta: Mapping[str, Any], head: str) -> Optional["SourceFigures"]:
        """Return the figures in the meta.json of a model.

        Args:
            meta: The content of meta.json.
            head: The digest of the model's head.

        Returns:
            The figures; None if there are none, or if they belong to another head or encoder than the model has now.
        """
        content = meta.get(META_KEY)
        if not isinstance(content, Mapping) or content.get("head") != head:
            return None
        # A static student has the head of its teacher, and is less accurate.
        if meta.get("xlt_export", {}).get("preset") == "fast":
            return None
        return cls(head, content["correct"], tuple(content["gold"]), ConfidenceSums.from_dict(content["sums"]))


def source_figures(probabilities: NDArray[np.floating], gold: NDArray[np.floating], layer: Layer) -> SourceFigures:
    """Return the figures of the predictions for labeled texts of the source language.

    Args:
        probabilities: The predictions, [n, labels].
        gold: 1 for the label of each text, else 0, [n, labels].
        layer: The output layer of the head.
    """
    correct = probabilities.argmax(axis=1) == gold.argmax(axis=1)
    counts = tuple(gold.sum(axis=0).astype(int).tolist())
    return SourceFigures(head_digest(layer), int(correct.sum()), counts, sum_confidence(probabilities))


def head_digest(layer: Layer) -> str:
    """Return a digest of the weights of a head, by which a changed head is recognized."""
    digest = sha256(np.ascontiguousarray(layer.weight, dtype=np.float32).tobytes())
    digest.update(np.ascontiguousarray(layer.bias, dtype=np.float32).tobytes())
    return digest.hexdigest()[:16]
