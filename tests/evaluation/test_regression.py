"""The regression that estimates accuracies."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy")

from spacy_xlt.evaluation.regression import expected_accuracy, log_odds, read_regressions, share
from spacy_xlt.heads.confidence import ConfidenceSums, SourceFigures, source_figures, sum_confidence
from spacy_xlt.heads.layer import Layer
from spacy_xlt.heads.losses import log_probabilities

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results" / "estimate.json"
LAYER = Layer(np.eye(4, dtype=np.float32), np.zeros(4, dtype=np.float32))


def draw(scale: float, n: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities [n, 4] of scores of this scale, and gold that is drawn from them."""
    chance = np.random.default_rng(seed)
    probabilities = log_probabilities(chance.normal(scale=scale, size=(n, 4)), True)[1]
    return probabilities, np.eye(4)[[chance.choice(4, p=row) for row in probabilities]]


def source() -> SourceFigures:
    return source_figures(*draw(4.0), LAYER)


def test_predictions_like_those_of_the_source_get_its_accuracy() -> None:
    found = source()
    expected = expected_accuracy(found.sums, found)
    assert expected.accuracy == pytest.approx(found.accuracy, abs=0.01)
    assert expected.interval[0] < found.accuracy < expected.interval[1]


@pytest.mark.parametrize("known", [True, False])
def test_less_confident_predictions_get_a_lower_accuracy(known: bool) -> None:
    own = source() if known else None
    accuracies = [expected_accuracy(sum_confidence(draw(scale)[0]), own).accuracy for scale in (4.0, 2.0, 1.0)]
    assert accuracies[0] > accuracies[1] + 0.03 > accuracies[2] + 0.06


def test_fewer_texts_and_an_unknown_source_give_wider_intervals() -> None:
    def width(sums: ConfidenceSums, own: SourceFigures | None) -> float:
        low, high = expected_accuracy(sums, own).interval
        return high - low

    many, few = (sum_confidence(np.repeat(draw(2.0, 100)[0], times, axis=0)) for times in (10, 1))
    assert width(many, source()) < width(few, source())
    assert width(many, source()) < width(many, None)


@pytest.mark.parametrize("row", [[1.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25]])
@pytest.mark.parametrize("known", [True, False])
def test_extreme_predictions_give_accuracies(row: list[float], known: bool) -> None:
    expected = expected_accuracy(sum_confidence(np.array([row] * 30)), source() if known else None)
    assert 0 <= expected.interval[0] <= expected.accuracy <= expected.interval[1] <= 1


def test_log_odds_and_shares_are_inverse() -> None:
    assert share(log_odds(0.75, 10**9)) == pytest.approx(0.75)
    assert log_odds(0.0, 10) == pytest.approx(-log_odds(1.0, 10))


def test_the_packaged_regressions_are_those_of_the_benchmark() -> None:
    written = json.loads(RESULTS.read_text(encoding="utf8"))["regressions"]
    packaged = read_regressions()
    assert set(packaged) == set(written) == {"source", "alone"}
    for name, regression in packaged.items():
        assert {**vars(regression), "weights": dict(regression.weights)} == written[name]
