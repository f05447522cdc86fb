"""The accuracy that can be expected in each language of a run."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from spacy_xlt.batch.fields import Fields, Item, make_item
from spacy_xlt.batch.model import Prediction, TextModel
from spacy_xlt.data.rows import Row
from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.expected import LanguageEstimate, estimate_languages
from spacy_xlt.evaluation.source import read_source
from spacy_xlt.heads.confidence import ConfidenceSums, sum_confidence
from spacy_xlt.model_folder import ModelFacts

# The number of records at the start of the input from which `min_expected` estimates the accuracies.
SAMPLE = 4096
# Texts that are classified together.
CHUNK = 1024

Expect = Callable[[Mapping[str, ConfidenceSums]], dict[str, LanguageEstimate]]


def make_estimator(model: Path, facts: ModelFacts) -> Expect:
    """Return the function that estimates the accuracy in each language from sums over predictions.

    A multilabel model, and a model with one label, has no estimates.

    Args:
        model: The model folder.
        facts: What `check_model` found in it.
    """
    if facts.several or len(facts.labels) < 2:
        return lambda sums: {}
    return partial(estimate_languages, source=read_source(model))


def sample_accuracies(
    rows: Sequence[tuple[str, Row]], fields: Fields, model: TextModel, expect: Expect
) -> dict[str, float]:
    """Estimate the accuracy in each language from a sample of the input.

    Args:
        rows: The first rows of the input, each with its location.
        fields: The fields with the text and the id.
        model: The model.
        expect: Estimates the accuracies.

    Returns:
        The expected accuracy of each language with enough texts in the sample.
    """
    items = [make_item(location, row, fields) for location, row in rows]
    texts = [item.text for item in items if isinstance(item, Item)]
    found: dict[str, list[list[float]]] = {}
    for start in range(0, len(texts), CHUNK):
        for prediction in model(texts[start : start + CHUNK]).of_texts:
            if isinstance(prediction, Prediction):
                found.setdefault(prediction.language, []).append(list(prediction.probabilities.values()))
    estimates = expect({code: sum_confidence(np.array(each)) for code, each in found.items()})
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
    if min_expected and facts.several:
        raise XltError(
            "The model is multilabel. Accuracy can be estimated only for models that give each text exactly one label. "
            "Leave min_expected out.",
            parameter="min_expected",
        )
