"""`xlt.FAQ`: answers, languages, context, small talk, calibration, and the evaluation of conversations."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import srsly
from spacy.language import Language

import spacy_xlt as xlt
from spacy_xlt.errors import XltError
from spacy_xlt.search.answers import Answers, features
from spacy_xlt.search.confidence import Confidence, fit_confidence
from spacy_xlt.search.evaluation import evaluate_faq
from spacy_xlt.search.index import Hit
from tests.search.test_index import make_nlp

BASE: list[dict[str, Any]] = [
    {"id": "cost.1", "answer_id": "cost", "text": "How much is delivery?", "lang": "en", "answer": "It costs 4.90."},
    {"id": "cost.2", "answer_id": "cost", "text": "What do you charge for shipping?", "lang": "en"},
    {
        "id": "cost.de",
        "answer_id": "cost",
        "text": "Was kostet der Versand?",
        "lang": "de",
        "answer": "Er kostet 4,90.",
    },
    {"id": "time", "text": "How long does delivery take?", "lang": "en", "answer": "Two days."},
    {"id": "hi", "text": "Hello there", "lang": "en", "answer": "Hello!", "topic": "small_talk"},
]
ALWAYS = Confidence((0.0, 0.0, 0.0), 5.0, 0.5)
NEVER = Confidence((0.0, 0.0, 0.0), -5.0, 0.5)


@pytest.fixture(scope="module")
def nlp(tiny_bert: Path) -> Language:
    return make_nlp(tiny_bert)


@pytest.fixture()
def faq(nlp: Language) -> xlt.FAQ:
    made = xlt.FAQ.build(BASE, nlp, progress=False)
    made.confidence = ALWAYS
    return made


def test_every_wording_of_a_question_finds_its_answer(faq: xlt.FAQ) -> None:
    for row in BASE:
        reply = faq.ask(row["text"], language=row["lang"])
        assert reply.answer_id == row.get("answer_id", row["id"])
        assert reply.suggestions[0] == reply.answer_id and len(reply.suggestions) == 3


def test_the_answer_is_in_the_language_of_the_question_if_the_base_has_it(faq: xlt.FAQ) -> None:
    replies = {code: faq.ask("What do you charge for shipping?", language=code) for code in ("en", "de", "sw")}
    assert {code: reply.answer for code, reply in replies.items()} == {
        "en": "It costs 4.90.",
        "de": "Er kostet 4,90.",
        "sw": "It costs 4.90.",
    }
    assert replies["sw"].language == "en" and replies["sw"].question_language == "sw"


def test_small_talk_is_told_apart(faq: xlt.FAQ) -> None:
    assert faq.ask("Hello there").kind == "small_talk"
    assert faq.ask("How long does delivery take?").kind == "answer"


def test_an_answer_of_low_confidence_is_withheld_and_suggested(faq: xlt.FAQ) -> None:
    faq.confidence = NEVER
    reply = faq.ask("How long does delivery take?")
    assert (reply.kind, reply.answer, reply.answer_id) == ("unknown", "", None)
    assert reply.suggestions[0] == "time" and reply.confidence < 0.5


def test_a_blank_question_is_unknown(faq: xlt.FAQ) -> None:
    assert faq.ask("  ").kind == "unknown"


def test_the_answer_to_the_last_turn_is_not_given_again(faq: xlt.FAQ) -> None:
    first = faq.ask("How much is delivery?", language="en")
    assert first.answer_id == "cost"
    assert faq.ask("And to Norway?", [first], language="en").answer_id != "cost"
    assert "cost" not in faq.ask("And to Norway?", [first], language="en").suggestions


def test_a_question_that_is_repeated_is_answered_again(faq: xlt.FAQ) -> None:
    first = faq.ask("How much is delivery?", language="en")
    assert faq.ask("How much is delivery?", [first], language="en").answer_id == "cost"


def test_saved_and_loaded_it_replies_the_same(faq: xlt.FAQ, nlp: Language, tmp_path: Path) -> None:
    faq.index.settings["faq"] = Confidence((1.0, 2.0, 3.0), 0.5, 0.1).to_dict()
    faq.save(tmp_path / "faq")
    loaded = xlt.FAQ.load(tmp_path / "faq", nlp)
    assert loaded.confidence == Confidence((1.0, 2.0, 3.0), 0.5, 0.1)
    assert loaded.ask("Was kostet der Versand?").answer_id == "cost"


@pytest.mark.parametrize("saved", [{}, {"weights": [1], "bias": 0, "threshold": 0}, {"weights": "abc"}, []])
def test_a_damaged_calibration_is_refused(saved: Any, faq: xlt.FAQ, nlp: Language, tmp_path: Path) -> None:
    faq.index.settings["faq"] = saved
    faq.save(tmp_path / "faq")
    with pytest.raises(XltError, match="calibration"):
        xlt.FAQ.load(tmp_path / "faq", nlp)


def test_a_question_without_an_answer_is_refused(nlp: Language) -> None:
    with pytest.raises(XltError, match="'b'"):
        xlt.FAQ.build([{"id": "a", "text": "A?", "answer": "A."}, {"id": "b", "text": "B?"}], nlp, progress=False)
    with pytest.raises(XltError):
        xlt.FAQ.build([], nlp, progress=False)
    with pytest.raises(XltError, match="no answers"):
        Answers.of([])


def test_a_base_with_one_answer_works(nlp: Language) -> None:
    faq = xlt.FAQ.build([{"text": "A?", "answer": "A."}], nlp, progress=False)
    faq.confidence = ALWAYS
    first = faq.ask("A?")
    assert first.answer == "A." and faq.ask("Again?", [first]).answer == "A."


def test_scores_take_the_nearest_question_and_the_text_of_the_answer() -> None:
    entries = [
        Hit("1", 1.0, "q", "en", {"answer_id": "a", "answer": "A"}),
        Hit("2", 1.0, "q", "en", {"answer_id": "a"}),
        Hit("3", 1.0, "q", "en", {"answer_id": "b", "answer": "B", "topic": "small_talk"}),
        Hit("4", 1.0, "A", "en", {"answer_id": "a", "kind": "answer"}),
    ]
    scores = Answers.of(entries).scores(np.array([[0.2, 0.8, 0.5, 0.5]], dtype=np.float32))
    np.testing.assert_allclose(scores, [[0.8, 0.5]], rtol=1e-6)
    entries.append(Hit("5", 1.0, "q", "en", {"answer_id": "c", "answer": "C"}))
    entries.append(Hit("6", 1.0, "C", "en", {"answer_id": "c", "kind": "answer"}))
    scores = Answers.of(entries).scores(np.array([[0.2, 0.8, 0.5, 0.5, 0.4, 0.9]], dtype=np.float32))
    np.testing.assert_allclose(scores, [[0.8 - 0.5 * 0.2, 0.5, 0.4 + 0.5 * 0.2]], rtol=1e-6)


def test_features_leave_out_excluded_answers() -> None:
    scores = np.array([[0.9, 0.6, 0.3], [-np.inf, 0.6, 0.2]], dtype=np.float32)
    np.testing.assert_allclose(features(scores), [[0.9, 0.3, 0.3], [0.6, 0.4, 0.2]], atol=1e-6)
    np.testing.assert_allclose(features(np.array([[0.7]], dtype=np.float32)), [[0.7, 0, 0]], atol=1e-6)


def test_the_calibration_is_high_in_scope_and_keeps_the_false_alarms() -> None:
    pytest.importorskip("scipy")
    rng = np.random.default_rng(0)
    scope = np.arange(400) % 4 != 0
    rows = np.stack([np.where(scope, 0.9, 0.87), np.full(400, 0.02), np.full(400, 0.05)], axis=1)
    rows = (rows + rng.normal(0, 0.01, rows.shape)).astype(np.float32)
    found = fit_confidence(rows, scope, false_alarms=0.1)
    confidence = found(rows)
    assert (confidence[scope] < found.threshold).mean() == pytest.approx(0.1, abs=0.01)
    assert (confidence[~scope] < found.threshold).mean() > 0.9
    assert confidence.mean() == pytest.approx(scope.mean(), abs=0.02)


def test_calibrate_reads_questions_and_changes_the_threshold(faq: xlt.FAQ, nlp: Language, tmp_path: Path) -> None:
    pytest.importorskip("scipy")
    rows = [{"text": f"{row['text']} {n}", "answer_id": row.get("answer_id", "time")} for row in BASE for n in range(4)]
    srsly.write_jsonl(tmp_path / "dev.jsonl", [*rows, *({"text": f"Who is {n}?", "answer_id": ""} for n in range(9))])
    faq.calibrate(tmp_path / "dev.jsonl")
    assert faq.confidence != ALWAYS and faq.index.settings["faq"] == faq.confidence.to_dict()
    with pytest.raises(XltError, match="'nowhere'"):
        faq.calibrate([{"text": "A?", "answer_id": "nowhere"}])
    with pytest.raises(XltError, match="20"):
        faq.calibrate([{"text": "A?", "answer_id": ""}])


def test_conversations_are_evaluated_turn_by_turn(faq: xlt.FAQ) -> None:
    data = [
        {"text": "How much is delivery?", "lang": "en", "answer_id": "cost", "dialogue": "d", "turn": 1},
        {"text": "hours", "lang": "en", "answer_id": "time", "dialogue": "d", "turn": 2, "kind": "follow_up"},
        {"text": "Hello there", "lang": "en", "answer_id": None, "kind": "small_talk"},
        {"text": "Was kostet der Versand?", "lang": "de", "answer_id": "time"},
        {"text": "Wer ist da?", "lang": "de", "answer_id": None},
    ]
    figures = evaluate_faq(faq, data)
    english, german, every = figures["languages"]["en"], figures["languages"]["de"], figures["all"]
    assert (english["accuracy"], german["accuracy"], every["accuracy"]) == (1.0, 0.0, 0.5)
    assert (every["questions"], every["follow_ups"], every["out_of_scope"], every["small_talk"]) == (2, 1, 1, 1)
    assert every["refused"] == 0.0 and every["auroc"] == 0.5 and every["accuracy_small_talk"] == 1.0
    assert english["auroc"] is None
    with pytest.raises(XltError):
        evaluate_faq(faq, [{"text": "x", "lang": "en"}])
