"""Choosing between fine-tuned weights and weights that are nearer to the pretrained ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("scipy")

from spacy_xlt.data.records import Record
from spacy_xlt.errors import XltError
from spacy_xlt.heads.fitting import one_standard_error_rule
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.training import selection
from spacy_xlt.training.examples import make_examples
from spacy_xlt.training.layers import copy_model
from spacy_xlt.training.model_state import head_labels, make_features, set_model, take_snapshot
from spacy_xlt.training.selection import BACK, fast_encoding, regularize
from spacy_xlt.training.settings import TrainingSettings
from spacy_xlt.training.trainer import finetune
from tests.toy import TEXTS, make_pipeline

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


@pytest.mark.parametrize("moved", [True, False])
def test_weights_are_moved_back_if_development_data_favor_it(
    moved: bool, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nlp = make_pipeline(tiny_bert)
    pretrained = take_snapshot(nlp).model
    finetune(nlp, make_examples(RECORDS, head_labels(nlp)), TrainingSettings(epochs=4, learning_rate=1e-3))
    tuned = take_snapshot(nlp)
    weights = [[values.clone() for values in model.parameters()] for model in (pretrained, tuned.model)]
    losses = iter([np.full(8, 1.0), np.full(8, 0.5 if moved else 1.5)])
    monkeypatch.setattr(selection, "tempered_losses", lambda *args, **kwargs: next(losses))
    assert regularize(nlp, RECORDS, RECORDS, pretrained=pretrained) == moved
    found = take_snapshot(nlp)
    share = BACK if moved else 0.0
    for values, start, end in zip(found.model.parameters(), *weights):
        np.testing.assert_allclose(values, share * start + (1 - share) * end, atol=1e-6)
    assert np.array_equal(found.layer.weight, tuned.layer.weight) == (not moved)
    # Neither of the two models has changed, and the vectors are those of the new weights.
    for model, before in zip((pretrained, tuned.model), weights):
        assert all(np.array_equal(one, other) for one, other in zip(model.parameters(), before))
    seen = make_features(nlp, RECORDS)
    find_pipe(nlp, Encoder).forget()
    np.testing.assert_allclose(make_features(nlp, RECORDS), seen, atol=1e-6)


def test_fine_tuned_weights_stay_if_a_new_head_learns_nothing(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise XltError("learned nothing")

    nlp = make_pipeline(tiny_bert)
    before = take_snapshot(nlp)
    monkeypatch.setattr(selection, "fit_head", refuse)
    assert regularize(nlp, RECORDS, RECORDS, pretrained=before.model) is False
    assert take_snapshot(nlp).model is before.model


def test_vectors_of_fast_encoding_are_not_kept(tiny_bert: Path) -> None:
    nlp = make_pipeline(tiny_bert)
    encoder: Any = find_pipe(nlp, Encoder)
    texts = ["My parcel", " ".join(f"word{number}" for number in range(400))]
    before = encoder.encode(texts)
    with pytest.raises(KeyboardInterrupt), fast_encoding(nlp, 128):
        raise KeyboardInterrupt
    with fast_encoding(nlp, 128):
        assert encoder.encoder.bfloat16 is True
        np.testing.assert_allclose(encoder.encode(texts)[0], before[0], atol=0.02)
        # Of the long text only one window is read.
        assert encoder.encoder.tokenizer.windows(texts)[1] == [0, 1]
    assert encoder.encoder.tokenizer.windows(texts)[1].count(1) > 1
    assert encoder.encoder.bfloat16 is False
    np.testing.assert_array_equal(encoder.encode(texts), before)


def test_fast_encoding_reads_no_more_after_the_weights_were_replaced(tiny_bert: Path) -> None:
    nlp = make_pipeline(tiny_bert)
    encoder: Any = find_pipe(nlp, Encoder)
    long = [" ".join(f"word{number}" for number in range(400))]
    with fast_encoding(nlp, 128):
        set_model(nlp, copy_model(take_snapshot(nlp).model))
        assert encoder.encoder.tokenizer.windows(long)[1] == [0]
    assert len(encoder.encoder.tokenizer.windows(long)[1]) > 1
