"""Expected accuracies with their verdicts, from sums over predictions. Works without spaCy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional

from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.regression import expected_accuracy
from spacy_xlt.heads.confidence import FEWEST, ConfidenceSums, SourceFigures, prediction_figures

USABLE, CHECK, NOT_USABLE, TOO_FEW = "usable", "check by hand", "not usable", "too few texts"
MINIMUM = 0.7


@dataclass(frozen=True)
class LanguageEstimate:
    """The estimate for one language.

    Attributes:
        n: The number of texts.
        accuracy: The expected accuracy; None if there are too few texts.
        interval: The interval that contains the accuracy with a probability of 90%; None if there are too few texts.
        verdict: `usable`, `check by hand`, `not usable` or `too few texts`.
        figures: The figures of the predictions, see `prediction_figures`.
    """

    n: int
    accuracy: Optional[float]
    interval: Optional[tuple[float, float]]
    verdict: str
    figures: dict[str, float]


def estimate_languages(
    sums: Mapping[str, ConfidenceSums], source: Optional[SourceFigures], minimum: float = MINIMUM
) -> dict[str, LanguageEstimate]:
    """Estimate the accuracy in each language from sums over predictions.

    Args:
        sums: The sums of each language, by language code.
        source: The figures of the source language; None if they are not known.
        minimum: The accuracy that the verdicts ask for.
    """
    return {code: _estimate_language(each, source, minimum) for code, each in sums.items()}


def _estimate_language(sums: ConfidenceSums, source: Optional[SourceFigures], minimum: float) -> LanguageEstimate:
    labels = len(sums.probabilities)
    figures = prediction_figures(sums, source.prior if source else [1.0 / labels] * labels)
    if sums.n < FEWEST:
        return LanguageEstimate(sums.n, None, None, TOO_FEW, figures)
    expected = expected_accuracy(sums, source)
    low, high = expected.interval
    verdict = USABLE if low >= minimum else NOT_USABLE if high < minimum else CHECK
    return LanguageEstimate(sums.n, expected.accuracy, expected.interval, verdict, figures)


def check_minimum(minimum: float) -> None:
    """Check that a minimum is a share.

    Raises:
        XltError: It is not.
    """
    if not 0.0 <= minimum <= 1.0:
        raise XltError(f"minimum must be an accuracy between 0 and 1, not {minimum}.", parameter="minimum")
