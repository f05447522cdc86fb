"""Choosing the regularization of a head, and of a fine-tuned encoder."""

from pathlib import Path

import numpy as np
import pytest

from spacy_xlt.data.records import Record
from spacy_xlt.heads.layer import Layer
from spacy_xlt.heads.output_layer import fit_output_layer, zero_layer
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.training import selection as module
from spacy_xlt.training.examples import make_examples
from spacy_xlt.training.model_state import head_labels, make_features, take_snapshot
from spacy_xlt.training.selection import (
    STRENGTHS,
    fit_most_regularized,
    match_confidence,
    one_standard_error_rule,
    probabilities,
    regularize,
)
from spacy_xlt.training.settings import TrainingSettings
from spacy_xlt.training.trainer import finetune
from tests.toy import TEXTS, make_pipeline

pytest.importorskip("scipy")

RECORDS = [Record(text, (label,), code, code) for code in ("en", "de") for text, label in TEXTS[code]]


def test_the_first_candidate_within_a_standard_error() -> None:
    best = np.array([0.0, 1.0] * 50)
    near = best.copy()
    near[[0, 2, 4]], near[[1, 3]] = 1.0, 0.0  # three errors more, two errors fewer
    far = best.copy()
    far[:20:2] = 1.0
    assert one_standard_error_rule(np.array([far, near, best])) == 1
    assert one_standard_error_rule(np.array([best, near, best])) == 0
    assert one_standard_error_rule(np.array([far, best])) == 1


def sentences(n: int, habit: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Features [n, 40] and gold [n, 2]. The first feature predicts the label; the others do so in the source only."""
    chance = np.random.default_rng(seed)
    labels = chance.integers(2, size=n)
    sign = 2.0 * labels - 1.0
    rows = chance.normal(size=(n, 40))
    rows[:, 0] = 1.5 * sign + rows[:, 0]
    rows[:, 1:] += habit * sign[:, None] * 0.1
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), np.eye(2)[labels]


def test_strong_regularization_transfers_to_another_domain() -> None:
    features, gold = sentences(120, 1.0, 0)
    dev, dev_gold = sentences(200, 1.0, 1)
    elsewhere, expected = sentences(2000, -1.0, 2)

    cautious, strength, wrong = fit_most_regularized(features, gold, dev, dev_gold)
    assert wrong.shape == (200,) and strength > 1.0
    loose = fit_output_layer(features, gold, prior=zero_layer(2, 40), l2=STRENGTHS[-1])
    hits = [(layer(elsewhere).argmax(axis=1) == expected.argmax(axis=1)).mean() for layer in (cautious, loose)]
    assert hits[0] > hits[1] + 0.02


def test_no_regularization_that_lowers_the_accuracy() -> None:
    chance = np.random.default_rng(0)
    labels = chance.choice(3, size=300, p=[0.8, 0.1, 0.1])
    features = (np.eye(3)[labels] + 0.1 * chance.normal(size=(300, 3))).astype(np.float32)
    gold = np.eye(3)[labels]
    # The strongest penalty predicts the frequent label for every text.
    layer, strength, wrong = fit_most_regularized(features, gold, features, gold)
    assert not wrong.any() and strength < STRENGTHS[0]
    assert (layer(features).argmax(axis=1) == labels).all()
    strongest = fit_output_layer(features, gold, prior=zero_layer(3, 3), l2=STRENGTHS[0])
    assert (strongest(features).argmax(axis=1) == 0).all()


def test_confidence_is_matched_without_changing_predictions() -> None:
    features, gold = sentences(200, 0.0, 3)
    confident, uncertain = (fit_output_layer(features, gold, prior=zero_layer(2, 40), l2=l2) for l2 in (0.1, 30.0))
    found = match_confidence(probabilities(confident, features), uncertain, features)
    np.testing.assert_array_equal(found(features).argmax(axis=1), uncertain(features).argmax(axis=1))

    def confidence(layer: Layer) -> float:
        return float(probabilities(layer, features).max(axis=1).mean())

    assert confidence(uncertain) < 0.6 < confidence(confident)
    assert confidence(found) == pytest.approx(confidence(confident), abs=0.05)


@pytest.mark.parametrize("interpolated", [True, False])
def test_a_fine_tuned_encoder_is_interpolated_with_the_pretrained_one_or_stays(
    interpolated: bool, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nlp = make_pipeline(tiny_bert)
    pretrained = take_snapshot(nlp).model
    finetune(nlp, make_examples(RECORDS, head_labels(nlp)), TrainingSettings(epochs=4, learning_rate=1e-3))
    tuned = take_snapshot(nlp).model
    weights = [[values.clone() for values in model.parameters()] for model in (pretrained, tuned)]
    monkeypatch.setattr(module, "one_standard_error_rule", lambda losses: 0 if interpolated else len(losses) - 1)
    chosen = regularize(nlp, RECORDS, RECORDS, pretrained=pretrained)
    assert chosen == {"back": 0.5 if interpolated else 0.0, "strength": STRENGTHS[0 if interpolated else -1]}
    assert (take_snapshot(nlp).model is tuned) == (not interpolated)
    weight = 0.5 if interpolated else 0.0
    for found, start, end in zip(take_snapshot(nlp).model.parameters(), *weights):
        np.testing.assert_allclose(found, weight * start + (1 - weight) * end, atol=1e-6)
    # The pretrained and the tuned model have not changed, and the cached vectors are those of the new weights.
    for model, before in zip((pretrained, tuned), weights):
        assert all(np.array_equal(one, other) for one, other in zip(model.parameters(), before))
    seen = make_features(nlp, RECORDS)
    find_pipe(nlp, Encoder).forget()
    np.testing.assert_allclose(make_features(nlp, RECORDS), seen, atol=1e-6)
