"""How confident a classifier is on texts without labels: sums over its predictions, and figures made of them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, NamedTuple, Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.heads.layer import Layer
from spacy_xlt.heads.temperature import LEAST, fit_temperature, scores_of, temper

# Where a model's `nlp.meta` has its SourceFigures.
META_KEY = "xlt_estimate"
# Accuracy is not estimated from fewer texts.
FEWEST = 20
# The bounds of the shares of texts whose highest probability is above them.
LIKELY, SURE = 0.5, 0.9
# The lowest bound of the entropy of certain texts.
LOWEST_ENTROPY = 0.05


class Scale(NamedTuple):
    """How the predictions of a model are measured.

    Attributes:
        temperature: The temperature at which the probabilities fit the development texts of the source language.
        entropy: A text is certain if the entropy of its probabilities, divided by the logarithm of the number of
            labels, is at most this bound. Of the development texts, as many are certain as have the correct label.
    """

    temperature: float = 1.0
    entropy: float = 0.5


@dataclass(frozen=True)
class ConfidenceSums:
    """Sums over the predictions for some texts. The sums of two sets of texts are added by `+`.

    Attributes:
        n: The number of texts.
        highest: The sum of the highest probabilities.
        likely: The number of texts whose highest probability is above .5.
        sure: The number of texts whose highest probability is above .9.
        certain: The number of texts that are certain, see `Scale`.
        probabilities: The sum of the probabilities of each label.
        predicted: The number of texts for which each label is the most probable one.
    """

    n: int
    highest: float
    likely: int
    sure: int
    certain: int
    probabilities: tuple[float, ...]
    predicted: tuple[int, ...]

    def __add__(self, other: "ConfidenceSums") -> "ConfidenceSums":
        return ConfidenceSums(
            self.n + other.n,
            self.highest + other.highest,
            self.likely + other.likely,
            self.sure + other.sure,
            self.certain + other.certain,
            tuple(a + b for a, b in zip(self.probabilities, other.probabilities, strict=True)),
            tuple(a + b for a, b in zip(self.predicted, other.predicted, strict=True)),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the sums as JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "ConfidenceSums":
        """Return the sums that `to_dict` returned."""
        values: dict[str, Any] = dict(content)
        for name in ("probabilities", "predicted"):
            values[name] = tuple(values[name])
        return cls(**values)


PLAIN = Scale()


def sum_confidence(probabilities: NDArray[np.floating], scale: Scale = PLAIN) -> ConfidenceSums:
    """Return the sums over the predictions for texts.

    Args:
        probabilities: The predictions of a classifier with one label per text, [n, labels], at least two labels.
        scale: How the predictions of the model are measured.

    References:
        Guo et al. (2017), "On calibration of modern neural networks", section 4.2 (temperature). Garg et al. (2022),
        "Leveraging unlabeled data to predict out-of-distribution performance", equation 2 (ATC: certain texts).
    """
    rows = temper(np.asarray(probabilities, dtype=np.float64), scale.temperature)
    highest = rows.max(axis=1)
    return ConfidenceSums(
        n=len(rows),
        highest=float(highest.sum()),
        likely=int((highest > LIKELY).sum()),
        sure=int((highest > SURE).sum()),
        certain=int((_entropies(rows) <= scale.entropy).sum()),
        probabilities=tuple(rows.sum(axis=0).tolist()),
        predicted=tuple(np.bincount(rows.argmax(axis=1), minlength=rows.shape[1]).tolist()),
    )


def _entropies(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The entropy of each row, between 0 and 1."""
    return np.asarray(-(rows * np.log(np.maximum(rows, LEAST))).sum(axis=1) / np.log(rows.shape[1]))


def prediction_figures(sums: ConfidenceSums, prior: Sequence[float]) -> dict[str, float]:
    """Return figures of the predictions for some texts, from which their accuracy can be estimated.

    Args:
        sums: The sums over the predictions; at least one text.
        prior: The share of each label in the source language, [labels].

    Returns:
        `confidence`, the mean of the highest probabilities; `certain`, the share of certain texts; `likely` and
        `sure`, the shares of texts whose highest probability is above .5 and .9; `label_excess`, by how much the share
        of a predicted label exceeds its prior at most; `label_distance`, the total variation distance of the predicted
        labels from the prior; `label_entropy` and `largest_label`, the entropy and the maximum of the mean prediction.
        All are between 0 and 1.
    """
    mean = np.array(sums.probabilities) / sums.n
    differences = np.array(sums.predicted) / sums.n - np.asarray(prior)
    return {
        "confidence": sums.highest / sums.n,
        "certain": sums.certain / sums.n,
        "likely": sums.likely / sums.n,
        "sure": sums.sure / sums.n,
        "label_excess": float(differences.max()),
        "label_distance": float(0.5 * np.abs(differences).sum()),
        "label_entropy": float(_entropies(mean[None])[0]),
        "largest_label": float(mean.max()),
    }


@dataclass(frozen=True)
class SourceFigures:
    """The predictions of a classifier for labeled texts of the source language that it was not trained on.

    Attributes:
        head: The digest of the head that made the predictions, see `head_digest`.
        correct: The number of texts with the correct label.
        gold: The number of texts of each label.
        scale: How the predictions of the model are measured.
        sums: The sums over the predictions.
    """

    head: str
    correct: int
    gold: tuple[int, ...]
    scale: Scale
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
        sums = ConfidenceSums.from_dict(content["sums"])
        return cls(head, content["correct"], tuple(content["gold"]), Scale(*content["scale"]), sums)


def source_figures(probabilities: NDArray[np.floating], gold: NDArray[np.floating], layer: Layer) -> SourceFigures:
    """Return the figures of the predictions for labeled texts of the source language. Needs scipy.

    Args:
        probabilities: The predictions, [n, labels].
        gold: 1 for the label of each text, else 0, [n, labels].
        layer: The output layer of the head.
    """
    correct = int((probabilities.argmax(axis=1) == gold.argmax(axis=1)).sum())
    counts = tuple(gold.sum(axis=0).astype(int).tolist())
    rows = np.asarray(probabilities, dtype=np.float64)
    temperature = fit_temperature(scores_of(rows), np.asarray(gold, dtype=np.float64))
    bound = np.quantile(_entropies(temper(rows, temperature)), correct / len(rows))
    # A model without an error has no entropies worth the name; rounding errors would decide which texts are certain.
    scale = Scale(temperature, max(float(bound), LOWEST_ENTROPY))
    return SourceFigures(head_digest(layer), correct, counts, scale, sum_confidence(rows, scale))


def head_digest(layer: Layer) -> str:
    """Return a digest of the weights of a head, by which a changed head is recognized."""
    digest = sha256(np.ascontiguousarray(layer.weight, dtype=np.float32).tobytes())
    digest.update(np.ascontiguousarray(layer.bias, dtype=np.float32).tobytes())
    return digest.hexdigest()[:16]
