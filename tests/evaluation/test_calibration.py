"""The expected calibration error and the bins of the reliability diagram."""

import numpy as np
import pytest

from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.calibration import calibration


def test_two_bins_by_hand() -> None:
    found = calibration([0.92, 0.98, 0.5, 0.55], [True, False, True, True])
    assert [(each.lower, each.upper, each.n) for each in found.bins] == [(0.5, 0.6, 2), (0.9, 1.0, 2)]
    assert [each.accuracy for each in found.bins] == [1.0, 0.5]
    assert [each.confidence for each in found.bins] == pytest.approx([0.525, 0.95])
    assert found.ece == pytest.approx(0.5 * 0.475 + 0.5 * 0.45)


def test_calibrated_probabilities_have_a_small_error_and_overconfident_ones_a_large_one() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.uniform(0.3, 1.0, 20_000)
    correct = rng.random(20_000) < probabilities
    assert calibration(probabilities, correct).ece < 0.02
    assert calibration(np.sqrt(probabilities), correct).ece > 0.1


def test_certain_predictions_are_in_the_last_bin() -> None:
    (only,) = calibration([1.0, 1.0], [True, True]).bins
    assert (only.lower, only.upper, only.accuracy) == (0.9, 1.0, 1.0)


@pytest.mark.parametrize(("confidence", "correct"), [([], []), ([0.5], [True, False]), ([[0.5]], [[True]])])
def test_wrong_shapes_are_named(confidence: list[float], correct: list[bool]) -> None:
    with pytest.raises(XltError, match="shape"):
        calibration(confidence, correct)
