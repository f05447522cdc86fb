"""The accuracy that can be expected in each language of a run."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import numpy as np

from spacy_xlt.batch.fields import Fields, Item, make_item
from spacy_xlt.batch.model import Prediction, TextModel
from spacy_xlt.data.rows import Row
from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.expected import LanguageEstimate, estimate_languages
from spacy_xlt.evaluation.source import read_source
from spacy_xlt.heads.confidence import PLAIN, ConfidenceSums, SourceFigures, sum_confidence
from spacy_xlt.model_folder import ModelFacts

# The number of records at the start of the input from which `min_expected` estimates the accuracies.
SAMPLE = 4096
# Texts that are classified together.
CHUNK = 1024


@dataclass(frozen=True)
class Estimator:
    """Estimates the accuracy in each language from the rows of a run.

    Attributes:
        source: The figures of the source language; None if they are not known.
        enabled: Whether there are estimates. Multilabel models, and models with one label, have none.
    """

    source: Optional[SourceFigures]
    enabled: bool

    @classmethod
    def load(cls, model: Path, facts: ModelFacts) -> "Estimator":
        """Return the estimator of a model folder.

        Args:
            model: The model folder.
            facts: What `check_model` found in it.
        """
        enabled = not facts.several and len(facts.labels) > 1
        return cls(read_source(model) if enabled else None, enabled)

    def sums(self, predictions: Iterable[tuple[str, Mapping[str, float]]]) -> dict[str, ConfidenceSums]:
        """Return the sums of each language over predictions: the language of a text, and its probabilities."""
        if not self.enabled:
            return {}
        rows: dict[str, list[list[float]]] = {}
        for language, probabilities in predictions:
            rows.setdefault(language, []).append(list(probabilities.values()))
        scale = self.source.scale if self.source else PLAIN
        return {code: sum_confidence(np.array(each), scale) for code, each in rows.items()}

    def estimate(self, sums: Mapping[str, ConfidenceSums]) -> dict[str, LanguageEstimate]:
        """Return the estimate of each language."""
        return estimate_languages(sums, self.source)


def add_sums(one: Mapping[str, ConfidenceSums], other: Mapping[str, ConfidenceSums]) -> dict[str, ConfidenceSums]:
    """Add the sums of each language."""
    added = dict(one)
    for code, sums in other.items():
        added[code] = added[code] + sums if code in added else sums
    return added


def sample_accuracies(
    rows: Sequence[tuple[str, Row]], fields: Fields, model: TextModel, estimator: Estimator
) -> dict[str, float]:
    """Estimate the accuracy in each language from a sample of the input.

    Args:
        rows: The first rows of the input, each with its location.
        fields: The fields with the text and the id.
        model: The model.
        estimator: Estimates the accuracies.

    Returns:
        The expected accuracy of each language with enough texts in the sample.
    """
    items = [make_item(location, row, fields) for location, row in rows]
    texts = [item.text for item in items if isinstance(item, Item)]
    found = [each for start in range(0, len(texts), CHUNK) for each in model(texts[start : start + CHUNK]).of_texts]
    predictions = [(each.language, each.probabilities) for each in found if isinstance(each, Prediction)]
    estimates = estimator.estimate(estimator.sums(predictions))
    return {code: each.accuracy for code, each in estimates.items() if each.accuracy is not None}


def check_min_expected(min_expected: float, facts: ModelFacts) -> None:
    """Check that the option `min_expected` can be used.

    Raises:
        XltError: It is not an accuracy, or the model has no estimates.
    """
    if not 0.0 <= min_expected <= 1.0:
        raise XltError(
            f"min_expected must be an accuracy between 0 and 1, not {min_expected}.", parameter="min_expected"
        )
    if min_expected and not facts.classifies:
        raise XltError("The model does not classify texts, so it has no accuracy.", parameter="min_expected")
    if min_expected and facts.several:
        raise XltError(
            "The model is multilabel. Accuracy can be estimated only for models that give each text exactly one label. "
            "Leave min_expected out.",
            parameter="min_expected",
        )
