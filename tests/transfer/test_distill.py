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
from spacy_xlt.training.model_state import get_layer, head_labels, predictions, set_layer
from spacy_xlt.training.trainer import count_layers
from spacy_xlt.transfer import distill as module
from spacy_xlt.transfer.distill import distill, spread_layers, teacher_probabilities
from spacy_xlt.transfer.label_shift import most_confident
from tests.toy import TEXTS, make_pipeline

UNLABELLED = {code: [text for text, _ in TEXTS[code]] for code in ("en", "de")}
RECORDS = [Record(text, (), code, "") for code, texts in UNLABELLED.items() for text in texts]
DEV = [Record(text, (label,), "en", "dev") for text, label in TEXTS["en"]]


@pytest.fixture
def bert(tiny_bert: Path) -> Language:
    return make_pipeline(tiny_bert)


@pytest.fixture
def fast_learning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EPOCHS", 80)
    monkeypatch.setattr(module, "GENTLE_EPOCHS", 150)
    monkeypatch.setattr(module, "STRENGTH", 0.001)
    monkeypatch.setattr(module, "GENTLE_RATE", 5e-4)


def make_teacher(tiny: Path) -> Language:
    """One that turns all answers round, and is less sure of them."""
    teacher = make_pipeline(tiny)
    layer = get_layer(teacher)
    set_layer(teacher, Layer(-0.2 * layer.weight, -0.2 * layer.bias))
    return teacher


def test_half_the_layers_say_what_all_said(tiny_encoder: Path, tmp_path: Path, fast_learning: None) -> None:
    nlp = make_pipeline(tiny_encoder)
    before = predictions(nlp, RECORDS)
    result = distill(nlp, UNLABELLED, layers=1)
    assert result.chosen["layers"] == [0] and result.chosen["self"] and count_layers(nlp) == 1
    assert (predictions(nlp, RECORDS).argmax(axis=1) == before.argmax(axis=1)).mean() >= 0.75
    nlp.to_disk(tmp_path / "out")
    text = RECORDS[0].text
    assert spacy.load(tmp_path / "out")(text).cats == pytest.approx(nlp(text).cats, abs=1e-5)


@pytest.mark.parametrize("method", ["frozen", "finetune"])
def test_learns_from_another_teacher(bert: Language, tiny_bert: Path, method: Any, fast_learning: None) -> None:
    teacher = make_teacher(tiny_bert)
    goal = predictions(teacher, RECORDS)
    before = np.abs(predictions(bert, RECORDS) - goal).mean()
    result = distill(bert, UNLABELLED, teacher=teacher, method=method)
    assert not result.chosen["self"]
    assert np.abs(predictions(bert, RECORDS) - goal).mean() < 0.8 * before


def test_any_pipeline_with_cats_teaches(bert: Language) -> None:
    teacher = spacy.blank("xx")
    textcat: Any = teacher.add_pipe("textcat")
    for label in reversed(head_labels(bert)):
        textcat.add_label(label)
    teacher.initialize()
    found = teacher_probabilities(teacher, RECORDS[:1], head_labels(bert))
    assert found[0].tolist() == [pytest.approx(teacher(RECORDS[0].text).cats[label]) for label in head_labels(bert)]
    distill(bert, UNLABELLED, teacher=teacher, method="frozen")


def test_translations_come_near_to_their_sources(
    bert: Language, fast_learning: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All that is learned: how far the weights then go back is another matter (test_tuning.py).
    monkeypatch.setattr(module, "interpolate_with", lambda nlp, start: None)
    pairs = [(source, text) for source, (text, _) in zip(UNLABELLED["en"], TEXTS["ru"])]
    sources = [Record(source, (), "en", "") for source, _ in pairs]
    texts = [Record(text, (), "ru", "") for _, text in pairs]
    goal = predictions(bert, sources)
    before = np.abs(predictions(bert, texts) - goal).max()
    distill(bert, {"en": UNLABELLED["en"]}, translations={"ru": pairs})
    assert np.abs(predictions(bert, texts) - goal).max() < max(0.1, 0.5 * before)


def test_only_the_surest_sentences_of_each_label_are_taught() -> None:
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.7, 0.3], [0.45, 0.55]], dtype=np.float32)
    assert most_confident(probabilities, 1) == [0, 2]
    assert most_confident(probabilities, 2) == [0, 2, 3, 4]
    assert most_confident(probabilities, 9) == [0, 1, 2, 3, 4]
    assert most_confident(probabilities[:0], 9) == []


def test_translations_of_one_source_in_two_languages(bert: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each learns what the teacher says to its own source, which learns it, too; weights go half of the way back."""
    examples: list[Any] = []
    steps: list[float] = []
    monkeypatch.setattr(module, "tune", lambda nlp, given, **_: examples.extend(given))
    monkeypatch.setattr(module, "interpolate_with", lambda nlp, start: steps.append(0.5))
    pairs = {
        code: [(source, text) for source, (text, _) in zip(reversed(UNLABELLED["en"]), TEXTS[code])]
        for code in ("de", "ru")
    }
    distill(bert, {}, translations=pairs, temperature=1.0)
    said = dict(zip(UNLABELLED["en"], predictions(bert, [Record(text, (), "en", "") for text in UNLABELLED["en"]])))
    source_of = {text: source for code in pairs for source, text in pairs[code]}
    english = [lesson.text for lesson in examples if lesson.language == "en"]
    assert sorted(english) == sorted(set(source_of.values()))
    assert {(lesson.text, lesson.language) for lesson in examples if lesson.language != "en"} == {
        (text, code) for code in pairs for _, text in pairs[code]
    }
    for lesson in examples:
        np.testing.assert_allclose(lesson.target, said[source_of.get(lesson.text, lesson.text)], atol=1e-5)
    assert steps == [0.5]


def test_a_student_that_lost_too_much_is_taken_back(bert: Language, tiny_bert: Path) -> None:
    encoder = find_pipe(bert, Encoder).encoder
    before = predictions(bert, RECORDS)
    result = distill(bert, UNLABELLED, teacher=make_teacher(tiny_bert), layers=1, dev=DEV)
    if not result.kept:
        assert result.reason.startswith("Taken back: ") and find_pipe(bert, Encoder).encoder is encoder
        np.testing.assert_array_equal(predictions(bert, RECORDS), before)


def test_layers_are_spread_evenly() -> None:
    assert spread_layers(12, 6) == [0, 2, 4, 7, 9, 11]
    assert spread_layers(12, 12) == list(range(12)) and spread_layers(12, 1) == [0]


# What cannot be done


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"texts": {}}, "There is no text to learn from: give some with --texts, or --pairs."),
        ({"texts": {"xx": ["a"]}}, "There are texts without a language: name it with --language, or in the field"),
        ({"layers": 3}, "The encoder has 2 layers: keep 1 to 2 of them, not 3."),
        ({"layers": 1, "method": "frozen"}, "Only with the method finetune an encoder can learn to do with fewer"),
        ({"temperature": 0}, "A temperature is above 0, not 0."),
        ({"translations": {"en": []}}, "'en' is the source language: translations are from it into another one."),
    ],
)  # fmt: skip
def test_bad_options(bert: Language, options: dict[str, Any], message: str) -> None:
    with pytest.raises(XltError) as caught:
        distill(bert, **{"texts": UNLABELLED, **options})
    assert str(caught.value).startswith(message)


def test_a_teacher_with_other_labels(bert: Language) -> None:
    with pytest.raises(XltError, match="The teacher gives the labels none, the student knows account, order"):
        distill(bert, UNLABELLED, teacher=spacy.blank("xx"))
