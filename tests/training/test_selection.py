"""Heads that fit their texts no closer than dev asks for."""

from pathlib import Path

import numpy as np
import pytest

from spacy_xlt.data.records import Record
from spacy_xlt.heads.layer import Layer
from spacy_xlt.heads.output_layer import fit_output_layer, zero_layer
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.training.model_state import head_labels, make_features, take_snapshot
from spacy_xlt.training.selection import (
    STRENGTHS,
    fit_most_regularized,
    match_confidence,
    one_standard_error_rule,
    probabilities,
    settle,
)
from spacy_xlt.training.trainer import tune
from spacy_xlt.training import selection as cautious
from spacy_xlt.transfer.few_shot import make_training_examples
from tests.toy import TEXTS, make_pipeline

pytest.importorskip("scipy")

RECORDS = [Record(text, (label,), code, code) for code in ("en", "de") for text, label in TEXTS[code]]


def test_the_first_candidate_within_a_standard_error() -> None:
    best = np.array([0.0, 1.0] * 50)
    near = best.copy()
    near[[0, 2, 4]], near[[1, 3]] = 1.0, 0.0  # three texts lost, two won
    far = best.copy()
    far[:20:2] = 1.0
    assert one_standard_error_rule(np.array([far, near, best])) == 1
    assert one_standard_error_rule(np.array([best, near, best])) == 0
    assert one_standard_error_rule(np.array([far, best])) == 1


def sentences(n: int, habit: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Features [n, 40] and gold [n, 2]: what counts is in the first, many habits of the source are in the others."""
    chance = np.random.default_rng(seed)
    labels = chance.integers(2, size=n)
    sign = 2.0 * labels - 1.0
    rows = chance.normal(size=(n, 40))
    rows[:, 0] = 1.5 * sign + rows[:, 0]
    rows[:, 1:] += habit * sign[:, None] * 0.1
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), np.eye(2)[labels]


def test_caution_carries_over_to_texts_of_another_kind() -> None:
    features, gold = sentences(120, 1.0, 0)
    dev, dev_gold = sentences(200, 1.0, 1)
    elsewhere, expected = sentences(2000, -1.0, 2)

    cautious, strength, wrong = fit_most_regularized(features, gold, dev, dev_gold)
    assert wrong.shape == (200,) and strength > 1.0
    loose = fit_output_layer(features, gold, towards=zero_layer(2, 40), strength=STRENGTHS[-1])
    hits = [(layer(elsewhere).argmax(axis=1) == expected.argmax(axis=1)).mean() for layer in (cautious, loose)]
    assert hits[0] > hits[1] + 0.02


def test_no_caution_that_costs_answers() -> None:
    chance = np.random.default_rng(0)
    labels = chance.choice(3, size=300, p=[0.8, 0.1, 0.1])
    features = (np.eye(3)[labels] + 0.1 * chance.normal(size=(300, 3))).astype(np.float32)
    gold = np.eye(3)[labels]
    # The strongest pull gives every text the frequent label.
    layer, strength, wrong = fit_most_regularized(features, gold, features, gold)
    assert not wrong.any() and strength < STRENGTHS[0]
    assert (layer(features).argmax(axis=1) == labels).all()
    strongest = fit_output_layer(features, gold, towards=zero_layer(3, 3), strength=STRENGTHS[0])
    assert (strongest(features).argmax(axis=1) == 0).all()


def test_as_sure_as_before_with_the_same_answers() -> None:
    features, gold = sentences(200, 0.0, 3)
    sure, unsure = (fit_output_layer(features, gold, towards=zero_layer(2, 40), strength=s) for s in (0.1, 30.0))
    found = match_confidence(probabilities(sure, features), unsure, features)
    np.testing.assert_array_equal(found(features).argmax(axis=1), unsure(features).argmax(axis=1))

    def certainty(layer: Layer) -> float:
        return float(probabilities(layer, features).max(axis=1).mean())

    assert certainty(unsure) < 0.6 < certainty(sure)
    assert certainty(found) == pytest.approx(certainty(sure), abs=0.05)


@pytest.mark.parametrize("goes_back", [True, False])
def test_a_fine_tuned_encoder_goes_half_of_the_way_back_or_stays(
    goes_back: bool, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nlp = make_pipeline(tiny_bert)
    pretrained = take_snapshot(nlp).model
    tune(nlp, make_training_examples(RECORDS, head_labels(nlp)), epochs=4, rate=1e-3)
    tuned = take_snapshot(nlp).model
    weights = [[values.clone() for values in model.parameters()] for model in (pretrained, tuned)]
    monkeypatch.setattr(cautious, "one_standard_error_rule", lambda losses: 0 if goes_back else len(losses) - 1)
    chosen = settle(nlp, RECORDS, RECORDS, pretrained=pretrained)
    assert chosen == {"back": 0.5 if goes_back else 0.0, "strength": STRENGTHS[0 if goes_back else -1]}
    assert (take_snapshot(nlp).model is tuned) == (not goes_back)
    share = 0.5 if goes_back else 0.0
    for found, start, end in zip(take_snapshot(nlp).model.parameters(), *weights):
        np.testing.assert_allclose(found, share * start + (1 - share) * end, atol=1e-6)
    # Neither of the two that it was made from has changed, and the vectors are those of the new weights.
    for model, before in zip((pretrained, tuned), weights):
        assert all(np.array_equal(one, other) for one, other in zip(model.parameters(), before))
    seen = make_features(nlp, RECORDS)
    find_pipe(nlp, Encoder).forget()
    np.testing.assert_allclose(make_features(nlp, RECORDS), seen, atol=1e-6)
