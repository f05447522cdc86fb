"""Sums over predictions, and the figures made of them."""

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("scipy")

from spacy_xlt.heads.confidence import (
    META_KEY,
    ConfidenceSums,
    SourceFigures,
    head_digest,
    prediction_figures,
    source_figures,
    sum_confidence,
)
from spacy_xlt.heads.layer import Layer
from spacy_xlt.heads.losses import log_probabilities
from spacy_xlt.heads.temperature import temper

ROWS = np.array([[0.95, 0.05, 0.0], [0.2, 0.6, 0.2], [0.4, 0.4, 0.2], [1.0, 0.0, 0.0]])
LAYER = Layer(np.eye(3, dtype=np.float32), np.zeros(3, dtype=np.float32))
GOLD = np.eye(3)[[0, 1, 1, 0]]


def test_the_figures_are_those_computed_by_hand() -> None:
    figures = prediction_figures(sum_confidence(ROWS), [0.5, 0.25, 0.25])
    assert figures["confidence"] == pytest.approx((0.95 + 0.6 + 0.4 + 1.0) / 4)
    assert (figures["likely"], figures["sure"]) == (0.75, 0.5)
    # The entropies, between 0 and 1, are .18, .86, .96 and 0.
    assert figures["certain"] == 0.5
    # Predicted: 3 times the first label (of equal ones the first), once the second.
    assert figures["label_distance"] == pytest.approx((0.25 + 0.0 + 0.25) / 2)
    assert figures["label_excess"] == pytest.approx(0.25)
    mean = ROWS.mean(axis=0)
    assert figures["largest_label"] == pytest.approx(mean.max())
    assert figures["label_entropy"] == pytest.approx(-(mean * np.log(mean)).sum() / np.log(3))


@pytest.mark.parametrize("row", [[1.0, 0.0], [0.5, 0.5]])
def test_all_figures_are_shares(row: list[float]) -> None:
    figures = prediction_figures(sum_confidence(np.array([row] * 3)), [0.5, 0.5])
    assert all(-1e-9 <= figure <= 1 + 1e-9 for figure in figures.values())


def test_sums_of_parts_add_up_and_survive_json() -> None:
    added = sum_confidence(ROWS[:1]) + sum_confidence(ROWS[1:])
    whole = sum_confidence(ROWS)
    assert (added.n, added.likely, added.sure, added.predicted) == (4, 3, 2, (3, 1, 0))
    np.testing.assert_allclose(added.probabilities, whole.probabilities)
    assert added.highest == pytest.approx(whole.highest) and added.certain == whole.certain == 2
    assert ConfidenceSums.from_dict(json.loads(json.dumps(whole.to_dict()))) == whole


def test_sums_of_models_with_other_labels_cannot_be_added() -> None:
    with pytest.raises(ValueError):
        sum_confidence(ROWS) + sum_confidence(ROWS[:, :2])


def test_the_figures_of_the_source_survive_meta_json() -> None:
    figures = source_figures(ROWS, GOLD, LAYER)
    assert figures.accuracy == 0.75 and figures.gold == (2, 2, 0)
    assert figures.prior == pytest.approx((3 / 7, 3 / 7, 1 / 7))
    # About as many texts are certain as have the correct label.
    assert figures.sums.certain == 3
    meta = json.loads(json.dumps({META_KEY: figures.to_dict()}))
    assert SourceFigures.from_meta(meta, head_digest(LAYER)) == figures


def test_a_confident_model_is_measured_at_its_temperature() -> None:
    chance = np.random.default_rng(0)
    probabilities = log_probabilities(chance.normal(scale=2.0, size=(500, 3)), True)[1]
    gold = np.eye(3)[[chance.choice(3, p=row) for row in probabilities]]
    overconfident = temper(probabilities, 0.25)
    figures = source_figures(overconfident, gold, LAYER)
    assert figures.scale.temperature == pytest.approx(4.0, rel=0.2)
    assert sum_confidence(overconfident).highest / 500 > figures.accuracy + 0.1
    assert figures.sums.highest / 500 == pytest.approx(figures.accuracy, abs=0.05)


def test_figures_of_another_head_or_encoder_are_not_used() -> None:
    meta = {META_KEY: source_figures(ROWS, GOLD, LAYER).to_dict()}
    changed = replace(LAYER, bias=np.array([0.0, 0.0, 0.1], dtype=np.float32))
    assert SourceFigures.from_meta(meta, head_digest(changed)) is None
    assert SourceFigures.from_meta({}, head_digest(LAYER)) is None
    for preset, kept in (("balanced", True), ("fast", False)):
        found = SourceFigures.from_meta({**meta, "xlt_export": {"preset": preset}}, head_digest(LAYER))
        assert (found is not None) == kept
