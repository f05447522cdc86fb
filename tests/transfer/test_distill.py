"""Distillation."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language

from spacy_xlt.data.records import Record
from spacy_xlt.errors import XltError
from spacy_xlt.heads.layer import Layer
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.training.layers import spread_layers
from spacy_xlt.training.model_state import get_layer, head_labels, predictions, set_layer
from spacy_xlt.training.trainer import count_layers
from spacy_xlt.transfer import distill as module
from spacy_xlt.transfer.distill import distill, teacher_probabilities
from spacy_xlt.transfer.label_shift import most_confident
from tests.toy import TEXTS, make_pipeline

UNLABELED = {code: [text for text, _ in TEXTS[code]] for code in ("en", "de")}
RECORDS = [Record(text, (), code, "") for code, texts in UNLABELED.items() for text in texts]
DEV = [Record(text, (label,), "en", "dev") for text, label in TEXTS["en"]]


@pytest.fixture
def bert(tiny_bert: Path) -> Language:
    return make_pipeline(tiny_bert)


@pytest.fixture
def fast_learning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SMALLER_EPOCHS", 80)
    monkeypatch.setattr(module, "WHOLE_EPOCHS", 150)
    monkeypatch.setattr(module, "L2", 0.001)
    monkeypatch.setattr(module, "WHOLE_RATE", 5e-4)


def make_teacher(tiny: Path) -> Language:
    """A teacher that predicts the opposite, with less confidence."""
    teacher = make_pipeline(tiny)
    layer = get_layer(teacher)
    set_layer(teacher, Layer(-0.2 * layer.weight, -0.2 * layer.bias))
    return teacher


def test_half_of_the_layers_predict_what_all_predicted(tiny_encoder: Path, tmp_path: Path, fast_learning: None) -> None:
    nlp = make_pipeline(tiny_encoder)
    before = predictions(nlp, RECORDS)
    result = distill(nlp, UNLABELED, layers=1)
    assert result.settings["layers"] == [0] and result.settings["self"] and count_layers(nlp) == 1
    assert (predictions(nlp, RECORDS).argmax(axis=1) == before.argmax(axis=1)).mean() >= 0.75
    nlp.to_disk(tmp_path / "out")
    text = RECORDS[0].text
    assert spacy.load(tmp_path / "out")(text).cats == pytest.approx(nlp(text).cats, abs=1e-5)


@pytest.mark.parametrize("method", ["frozen", "finetune"])
def test_learns_from_another_teacher(bert: Language, tiny_bert: Path, method: Any, fast_learning: None) -> None:
    teacher = make_teacher(tiny_bert)
    goal = predictions(teacher, RECORDS)
    before = np.abs(predictions(bert, RECORDS) - goal).mean()
    result = distill(bert, UNLABELED, teacher=teacher, method=method)
    assert not result.settings["self"]
    assert np.abs(predictions(bert, RECORDS) - goal).mean() < 0.8 * before


def test_any_pipeline_with_cats_teaches(bert: Language) -> None:
    teacher = spacy.blank("xx")
    textcat: Any = teacher.add_pipe("textcat")
    for label in reversed(head_labels(bert)):
        textcat.add_label(label)
    teacher.initialize()
    found = teacher_probabilities(teacher, RECORDS[:1], head_labels(bert))
    assert found[0].tolist() == [pytest.approx(teacher(RECORDS[0].text).cats[label]) for label in head_labels(bert)]
    distill(bert, UNLABELED, teacher=teacher, method="frozen")


def test_translations_come_near_to_their_sources(
    bert: Language, fast_learning: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without the interpolation, which would halve the change.
    monkeypatch.setattr(module, "interpolate_with", lambda nlp, start: None)
    pairs = [(source, text) for source, (text, _) in zip(UNLABELED["en"], TEXTS["ru"])]
    sources = [Record(source, (), "en", "") for source, _ in pairs]
    texts = [Record(text, (), "ru", "") for _, text in pairs]
    goal = predictions(bert, sources)
    before = np.abs(predictions(bert, texts) - goal).max()
    distill(bert, {"en": UNLABELED["en"]}, translations={"ru": pairs})
    assert np.abs(predictions(bert, texts) - goal).max() < max(0.1, 0.5 * before)


def test_only_the_most_confident_sentences_of_each_label_are_used() -> None:
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.7, 0.3], [0.45, 0.55]], dtype=np.float32)
    assert most_confident(probabilities, 1) == [0, 2]
    assert most_confident(probabilities, 2) == [0, 2, 3, 4]
    assert most_confident(probabilities, 9) == [0, 1, 2, 3, 4]
    assert most_confident(probabilities[:0], 9) == []


def test_translations_of_one_source_in_two_languages(bert: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each learns the prediction for its own source. The new weights are interpolated with the old ones."""
    examples: list[Any] = []
    steps: list[float] = []
    monkeypatch.setattr(module, "finetune", lambda nlp, given, settings, **_: examples.extend(given))
    monkeypatch.setattr(module, "interpolate_with", lambda nlp, start: steps.append(0.5))
    pairs = {
        code: [(source, text) for source, (text, _) in zip(reversed(UNLABELED["en"]), TEXTS[code])]
        for code in ("de", "ru")
    }
    distill(bert, {}, translations=pairs, temperature=1.0)
    expected = dict(zip(UNLABELED["en"], predictions(bert, [Record(text, (), "en", "") for text in UNLABELED["en"]])))
    source_of = {text: source for code in pairs for source, text in pairs[code]}
    english = [example.text for example in examples if example.language == "en"]
    assert sorted(english) == sorted(set(source_of.values()))
    assert {(example.text, example.language) for example in examples if example.language != "en"} == {
        (text, code) for code in pairs for _, text in pairs[code]
    }
    for example in examples:
        np.testing.assert_allclose(example.target, expected[source_of.get(example.text, example.text)], atol=1e-5)
    assert steps == [0.5]


def test_a_student_that_is_too_much_worse_is_rejected(bert: Language, tiny_bert: Path) -> None:
    encoder, before = find_pipe(bert, Encoder).encoder, predictions(bert, RECORDS)
    # The teacher predicts the opposite of the development data.
    teacher = make_teacher(tiny_bert)
    result = distill(bert, UNLABELED, teacher=teacher, layers=1, dev=DEV, epochs=30, learning_rate=1e-3)
    assert not result.accepted and result.metrics["en"]["before"] > result.metrics["en"]["after"]
    assert find_pipe(bert, Encoder).encoder is encoder and count_layers(bert) == 2
    np.testing.assert_array_equal(predictions(bert, RECORDS), before)


def test_the_settings_of_training_are_passed_on(bert: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Any] = []
    monkeypatch.setattr(module, "finetune", lambda nlp, examples, settings, **_: found.append(settings))
    distill(bert, UNLABELED, layers=1, epochs=7, batch_size=3, learning_rate=0.01, max_length=40, freeze_layers=1)
    (settings,) = found
    assert (settings.epochs, settings.batch_size, settings.learning_rate) == (7, 3, 0.01)
    assert (settings.max_length, settings.freeze_layers, settings.average_epochs) == (40, 1, 1)


def test_layers_are_spread_evenly() -> None:
    assert spread_layers(12, 6) == [0, 2, 4, 7, 9, 11]
    assert spread_layers(12, 12) == list(range(12)) and spread_layers(12, 1) == [0]


# What cannot be done


@pytest.mark.parametrize(
    ("options", "fragment"),
    [
        ({"data": {}}, "no text"),
        ({"data": {"xx": ["a"]}}, "no language"),
        ({"layers": 3}, "2 layers.*not 3"),
        ({"layers": 1, "method": "frozen"}, "frozen"),
        ({"method": "magic"}, "'magic'"),
        ({"temperature": 0}, "not 0"),
        ({"epochs": 0}, "epochs.*not 0"),
        ({"translations": {"en": []}}, "'en' is the source language"),
    ],
)  # fmt: skip
def test_bad_options(bert: Language, options: dict[str, Any], fragment: str) -> None:
    with pytest.raises(XltError, match=fragment):
        distill(bert, **{"data": UNLABELED, **options})


def test_a_teacher_with_other_labels(bert: Language) -> None:
    with pytest.raises(XltError, match="none.*account, order"):
        distill(bert, UNLABELED, teacher=spacy.blank("xx"))
