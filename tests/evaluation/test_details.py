"""The details of an evaluation: wrong predictions, words that mattered, near training texts, expected accuracies."""

import numpy as np
import pytest
from spacy.language import Language
from spacy.tokens import Doc

from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.details import Details
from spacy_xlt.evaluation.evaluate import evaluate
from spacy_xlt.evaluation.examples import MAX_CHARACTERS, choose_examples, shorten
from spacy_xlt.evaluation.occlusion import MAX_PARTS, split_parts, word_effects
from spacy_xlt.evaluation.report import Report
from tests.evaluation import fakes
from tests.evaluation.fakes import fit, make_fake_pipeline
from tests.evaluation.test_evaluate import RECORDS, record


@pytest.fixture
def nlp(monkeypatch: pytest.MonkeyPatch) -> Language:
    # What is left of the texts when a word is removed.
    for word in ("en: ", "de: ", ": a", ": b"):
        monkeypatch.setitem(fakes.VECTORS, word, [0.6, 0.8])
    pipeline = make_fake_pipeline()
    fit(pipeline)
    return pipeline


def details(report: Report) -> Details:
    assert report.details is not None
    return report.details


def test_a_report_has_no_texts_unless_they_are_asked_for(nlp: Language) -> None:
    report = evaluate(nlp, RECORDS, train=RECORDS)
    assert details(report).wrong == 3 and details(report).examples == []
    assert details(report).embedding_map is not None
    with pytest.raises(XltError, match="-1"):
        evaluate(nlp, RECORDS, examples=-1)


def test_wrong_labels_and_wrong_languages_become_examples(nlp: Language) -> None:
    found = details(evaluate(nlp, RECORDS, examples=10))
    assert found.detected == {"de": {"en": 1}}
    assert [(each.language, each.detected, each.gold, each.predicted) for each in found.examples] == [
        ("de", "de", ["b"], ["a"]),
        ("en", "en", ["a"], ["b"]),
        ("de", "en", ["b"], ["b"]),
    ]
    first = found.examples[0]
    assert first.text == "de: a" and first.explained == "a" and set(first.probabilities) == {"a", "b"}
    assert sum(first.probabilities.values()) == pytest.approx(1.0, abs=2e-3)
    assert len(details(evaluate(nlp, RECORDS, examples=2)).examples) == 2


def test_the_words_are_those_whose_removal_changes_the_probability(nlp: Language) -> None:
    [doc] = nlp.pipe(["en: a"])
    [left] = nlp.pipe(["en: "])
    [[word]] = [
        [each for each in of_text if (each.start, each.end) == (4, 5)]
        for of_text in word_effects(nlp, [doc], ["a"], progress=False)
    ]
    assert word.effect == pytest.approx(doc.cats["a"] - left.cats["a"], abs=2e-3) and word.effect > 0.1


NOTED: list[tuple[str, str]] = []


@Language.component("tests_note_language")
def note_language(doc: Doc) -> Doc:
    NOTED.append((doc.text, doc._.language))
    return doc


def test_the_language_stays_the_same_when_a_word_is_removed(nlp: Language) -> None:
    [doc] = nlp.pipe(["de: b"])
    nlp.add_pipe("tests_note_language")
    NOTED.clear()
    word_effects(nlp, [doc], ["b"], progress=False)
    # The detector finds no language in the text without its first word.
    assert NOTED == [("de: b", "de"), (": b", "de"), ("de: ", "de")]


def test_nearest_training_texts(nlp: Language) -> None:
    train = [record("en: b", "b"), record("en: a", "a"), record("de: a", "a"), record("en: both", "b")]
    first = details(evaluate(nlp, RECORDS, examples=1, train=train)).examples[0]
    assert [near.text for near in first.neighbors] == ["de: a", "en: a", "en: both"]
    assert first.neighbors[0].similarity == 1.0 and first.neighbors[0].labels == ["a"]
    assert first.neighbors[0].similarity > first.neighbors[2].similarity


def test_several_labels_explain_the_one_that_is_wrong_by_most(nlp: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fakes.VECTORS, ": both", [0.1, 0.1])
    multilabel = make_fake_pipeline(head="xlt_textcat_multilabel")
    found = details(evaluate(multilabel, [record("en: both", "a"), record("en: a"), record("en: b", "b")], examples=5))
    assert [(each.gold, each.predicted, each.explained) for each in found.examples] == [
        ([], ["a"], "a"),
        (["a"], ["a", "b"], "b"),
    ]
    assert found.expected == {}


def test_details_survive_json(nlp: Language) -> None:
    report = evaluate(nlp, RECORDS, examples=5, train=RECORDS)
    assert Report.parse(report.to_dict(), "test") == report


def test_examples_are_spread_over_the_languages_with_the_most_confident_first() -> None:
    languages = ["en"] * 4 + ["de"] * 2
    wrong = np.array([True, True, True, False, True, False])
    wrong_language = np.array([False, False, False, True, False, True])
    confidence = np.array([0.5, 0.9, 0.7, 1.0, 0.6, 1.0])
    chosen = choose_examples(wrong, wrong_language, confidence, languages, 10)
    assert chosen == [4, 1, 5, 2, 0, 3]
    assert choose_examples(wrong, wrong_language, confidence, languages, 3) == [4, 1, 5]
    assert choose_examples(wrong, wrong_language, confidence, languages, 0) == []


def test_long_texts_are_shortened() -> None:
    assert shorten("a" * MAX_CHARACTERS) == "a" * MAX_CHARACTERS
    assert len(shorten("a" * 5000)) == MAX_CHARACTERS and shorten("a" * 5000).endswith("…")


def test_the_parts_of_a_text() -> None:
    text = "Wo ist mein Paket?"
    assert [text[start:end] for start, end in split_parts(text)] == ["Wo", "ist", "mein", "Paket"]
    assert [end - start for start, end in split_parts("我的包裹")] == [1, 1, 1, 1]
    assert split_parts(" \n!") == []
    many = "word " * 500
    parts = split_parts(many)
    assert len(parts) == MAX_PARTS and parts[0] == (0, len("word " * 13) - 1) and parts[-1][1] == len(many) - 1
