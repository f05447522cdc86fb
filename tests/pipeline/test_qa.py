"""`xlt_qa`, from training to export."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin

pytest.importorskip("transformers")

from spacy_xlt import save
from spacy_xlt.data.questions import load_questions
from spacy_xlt.encoders.pieces import PieceTokenizer
from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.qa import evaluate_qa
from spacy_xlt.evaluation.task_report import TaskReport
from spacy_xlt.exporters.tasks import export_tasks
from spacy_xlt.pipeline.qa import Answer, QuestionAnswerer
from spacy_xlt.search.index import Index
from spacy_xlt.search.reading import answer_all_from, answer_from
from spacy_xlt.tasks.qa import NO_ANSWER, Reading
from spacy_xlt.training.qa import make_examples, set_aside, train_qa, with_foreign_texts
from tests.cli.running import fail, run, succeed
from tests.processes import start_method
from tests.stopping import stopped_after

WORDS = ("order", "password", "account", "app", "settings")
ROWS = [
    {"context": f"How can I change the {word} of my {other}?", "question": f"What {other}?", "answer": word,
     "title": f"{word} {other}", "lang": "en"}
    for word in WORDS
    for other in WORDS
    if word != other
]  # fmt: skip
SETTINGS: dict[str, Any] = {"epochs": 12, "learning_rate": 3e-3, "max_length": 48, "batch_size": 8, "progress": False}
TEXTS = [
    ROWS[0]["context"], "", "  ", "42", "我的订单还没有送到。", "注文した商品がまだ届きません。password",
    "My 订单 не пришёл, order!",
    "The app closes every time I open the settings page. " * 30,
]  # fmt: skip


@pytest.fixture(scope="module")
def nlp(tiny_bert: Path) -> Language:
    """A pipeline that was trained on ROWS. Tests leave it as it is."""
    return train_qa(ROWS, dev=ROWS, encoder=tiny_bert, **SETTINGS)


@pytest.fixture(scope="module")
def saved(nlp: Language, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "model"
    save(nlp, folder)
    return folder


def reader_of(nlp: Language) -> QuestionAnswerer:
    reader = nlp.get_pipe("xlt_qa")
    assert isinstance(reader, QuestionAnswerer)
    return reader


def asked(nlp: Language, question: Any = "What app?") -> list[Doc]:
    docs = [nlp.make_doc(text) for text in TEXTS]
    for doc in docs:
        doc._.xlt_question = question
    return docs


def answers(docs: Any) -> list[Any]:
    return [doc._.xlt_answer for doc in docs]


def same(one: list[Any], other: list[Any]) -> bool:
    places = [[(each["text"], each["start"], each["end"]) for each in row] for row in (one, other)]
    scores = [[each["score"] for each in row] for row in (one, other)]
    return places[0] == places[1] and scores[0] == pytest.approx(scores[1], abs=1e-4)


def test_it_learns_its_training_texts(nlp: Language) -> None:
    assert nlp.pipe_names == ["xlt_langdetect", "xlt_qa"]
    report = evaluate_qa(nlp, ROWS, progress=False)
    assert report.languages["en"].scores["f1"] > 0.8 and report.languages["en"].n == len(ROWS)
    low, high = report.languages["en"].ci95["f1"]
    assert 0 <= low <= report.languages["en"].scores["f1"] <= high <= 1


def test_an_answer_is_a_span_of_the_doc(nlp: Language) -> None:
    doc = nlp.make_doc(ROWS[0]["context"])
    answer = reader_of(nlp).answer(doc, ROWS[0]["question"], min_score=0)
    assert answer and answer.text == doc.text[answer.start : answer.end]
    assert answer.span is not None and answer.text in answer.span.text and answer.span.doc is doc
    assert answer == reader_of(nlp).answer(doc.text, ROWS[0]["question"], min_score=0)
    assert reader_of(nlp).answer(doc.text, ROWS[0]["question"], min_score=0).span is None
    json.dumps(answer.to_dict())


def test_no_answer_is_given_below_the_lowest_score(nlp: Language) -> None:
    reader = reader_of(nlp)
    sure = reader.answer(ROWS[0]["context"], ROWS[0]["question"], min_score=0)
    none = reader.answer(ROWS[0]["context"], ROWS[0]["question"], min_score=1)
    assert not none and none.span is None and (none.text, none.start, none.end) == ("", 0, 0)
    assert none.score == pytest.approx(sure.score) and 0 < sure.score < 1
    other = spacy.blank("xx")
    other.add_pipe("xlt_langdetect")
    other.add_pipe("xlt_qa")
    other.from_bytes(nlp.to_bytes())
    reader_of(other).min_score = 1.0
    assert not reader_of(other).answer(ROWS[0]["context"], ROWS[0]["question"])
    with pytest.raises(XltError, match="2"):
        reader_of(other).min_score = 2


@pytest.mark.parametrize("question", ["", "   ", "?", "What app? " * 200, "谁？", "\ud800"])
@pytest.mark.parametrize("text", TEXTS)
def test_any_text_and_question_have_a_result(text: str, question: str, nlp: Language) -> None:
    answer = reader_of(nlp).answer(text, question, min_score=0)
    assert answer.text == text[answer.start : answer.end] and len(answer.text.strip()) == len(answer.text)
    if not text.strip() or not question.strip():
        assert answer == Answer("", 0, 0, 0.0)


def test_a_long_text_is_read_to_its_end(nlp: Language) -> None:
    text = "Where is my parcel? " * 300 + ROWS[0]["context"]
    reader = reader_of(nlp)
    alone = reader.answer(ROWS[0]["context"], ROWS[0]["question"], min_score=0)
    spans = reader.answer_batch([(text, ROWS[0]["question"]), (ROWS[0]["context"], ROWS[0]["question"])], min_score=0)
    assert spans[1].text == alone.text
    assert spans[0].score >= 0 and spans[0].text == text[spans[0].start : spans[0].end]


def test_call_pipe_and_processes_are_equal(nlp: Language, saved: Path) -> None:
    one_by_one = answers(nlp(doc) for doc in asked(nlp))
    assert same(answers(nlp.pipe(asked(nlp))), one_by_one) and same(
        answers(nlp.pipe(asked(nlp), batch_size=3)), one_by_one
    )
    for method in ("fork", "spawn"):
        with start_method(method):
            loaded = spacy.load(saved)
            assert same(answers(loaded.pipe(asked(loaded), n_process=2, batch_size=4)), one_by_one)


def test_docs_without_a_question_are_left_as_they_are(nlp: Language) -> None:
    assert answers(nlp.pipe(TEXTS)) == [None] * len(TEXTS)
    assert answers(nlp.pipe(asked(nlp, ""))) == [{"text": "", "start": 0, "end": 0, "score": 0.0}] * len(TEXTS)
    with pytest.raises(XltError, match="int"):
        nlp(asked(nlp, 7)[0])


def test_round_trips(nlp: Language, saved: Path) -> None:
    expected = answers(nlp.pipe(asked(nlp)))
    assert any(expected)
    assert answers(spacy.load(saved).pipe(asked(nlp))) == expected
    assert reader_of(spacy.load(saved)).reading == reader_of(nlp).reading
    docs = list(DocBin(docs=nlp.pipe(asked(nlp)), store_user_data=True).get_docs(nlp.vocab))
    assert answers(docs) == expected
    assert answers([Doc(nlp.vocab).from_bytes(doc.to_bytes()) for doc in docs]) == expected


def test_every_architecture_trains_and_loads(tiny_encoder: Path, tmp_path: Path) -> None:
    nlp = train_qa(ROWS, encoder=tiny_encoder, epochs=1, max_length=48, progress=False, languages=["en", "German"])
    save(nlp, tmp_path / "model")
    loaded = spacy.load(tmp_path / "model")
    assert answers(loaded.pipe(asked(loaded))) == answers(nlp.pipe(asked(nlp)))
    for text in TEXTS:
        found = reader_of(loaded).answer(text, "What app?", min_score=0)
        assert found.text == text[found.start : found.end]


def test_the_exported_model_answers_the_same(nlp: Language) -> None:
    exported, facts = export_tasks(nlp, "float32", [row["context"] for row in ROWS])
    assert facts["xlt_qa"] > 0.99
    pairs = [(row["context"], row["question"]) for row in ROWS]
    mine, theirs = reader_of(nlp).answer_batch(pairs), reader_of(exported).answer_batch(pairs)
    assert [each.text for each in mine] == [each.text for each in theirs]
    assert [each.score for each in mine] == pytest.approx([each.score for each in theirs], abs=1e-3)
    exported, _ = export_tasks(nlp, "int8", [row["context"] for row in ROWS])
    eight = reader_of(exported).answer_batch(pairs, min_score=0)
    best = reader_of(nlp).answer_batch(pairs, min_score=0)
    assert sum(one.text == other.text for one, other in zip(best, eight)) >= 0.8 * len(pairs)


def test_training_is_the_same_twice_and_after_a_stop(tiny_bert: Path, tmp_path: Path) -> None:
    settings = {**SETTINGS, "epochs": 3}
    layers = [reader_of(train_qa(ROWS, encoder=tiny_bert, **settings)).model.layer for _ in range(2)]
    assert layers[0] is not None and layers[1] is not None
    np.testing.assert_array_equal(layers[0].weight, layers[1].weight)
    with stopped_after(2):
        train_qa(ROWS, encoder=tiny_bert, checkpoint=tmp_path / "checkpoint", **settings)
    assert (tmp_path / "checkpoint").is_dir()
    resumed = reader_of(train_qa(ROWS, encoder=tiny_bert, checkpoint=tmp_path / "checkpoint", **settings)).model.layer
    assert resumed is not None
    np.testing.assert_allclose(resumed.weight, layers[0].weight, atol=1e-5)
    assert not (tmp_path / "checkpoint").exists()


def test_the_windows_to_train_on(tiny_bert: Path) -> None:
    tokenizer = PieceTokenizer((tiny_bert / "tokenizer.json").read_text(encoding="utf8"))
    filler = "My order has not arrived. " * 20
    context = f"{filler}How can I change the password? {filler}"
    [question] = load_questions([{"context": context, "question": "What?", "answer": "the password"}])
    examples = make_examples([question], tokenizer, Reading(window=40, overlap=12), seed=0)
    with_answer = [each for each in examples if each.first != NO_ANSWER]
    assert with_answer and len(examples) == len(with_answer) + 1
    for each in with_answer:
        first, last = (each.window.spans[place - each.window.first] for place in (each.first, each.last))
        assert context[first[0] : last[1]] == "the password"
    [other] = [each for each in examples if each.first == NO_ANSWER]
    assert "password" not in context[other.window.spans[0][0] : other.window.spans[-1][1]] and other.last == NO_ANSWER


def test_questions_without_an_answer_are_made() -> None:
    questions = load_questions(ROWS)
    added = with_foreign_texts(questions, 5, seed=0)[len(questions) :]
    assert len(added) == len(questions) // 5
    by_question = {each.location: each for each in questions}
    for each in added:
        assert not each.answers and each.context != by_question[each.location].context
    one = questions[:1]
    assert with_foreign_texts(one, 1, seed=0) == one
    assert with_foreign_texts([*questions, *added], 1, seed=0) == [*questions, *added]


def test_texts_are_set_aside_whole() -> None:
    rows = [{**ROWS[0], "context": f"The order number {number}"} for number in range(30) for _ in range(2)]
    train, held_out = set_aside(load_questions(rows))
    assert len(held_out) == 4 and not {each.context for each in train} & {each.context for each in held_out}
    assert set_aside(load_questions(ROWS[:5]))[1] == []


def test_figures_with_and_without_answers(nlp: Language, tmp_path: Path) -> None:
    unanswered = {**ROWS[0], "answer": None, "lang": "de"}
    report = evaluate_qa(nlp, [*ROWS, {**ROWS[1], "lang": "de"}, unanswered], progress=False)
    assert report.languages["de"].details.keys() == {"with an answer", "without an answer"}
    assert report.languages["en"].details == {}
    report.to_json(tmp_path / "qa.json")
    assert TaskReport.load(tmp_path / "qa.json") == report
    detected = evaluate_qa(nlp, [{**row, "lang": None} for row in ROWS], progress=False)
    assert "en" in detected.languages


def test_answers_from_an_index(nlp: Language, tiny_bert: Path) -> None:
    texts = [{"id": str(number), "text": row["context"]} for number, row in enumerate(ROWS)]
    pipeline = spacy.blank("xx")
    pipeline.add_pipe("xlt_encoder").initialize(source=str(tiny_bert))  # type: ignore[attr-defined]
    index = Index(pipeline)
    index.add(texts, language="en", progress=False)
    found = answer_from(index, nlp, "What app?", k=4, min_score=0)
    assert len(found) == 4
    scores = [each.answer.score for each in found]
    assert scores == sorted(scores, reverse=True)
    for each in found:
        assert each.hit.text[each.answer.start : each.answer.end] == each.answer.text
    assert answer_from(index, nlp, "What app?", k=4, min_score=1) == []
    both = answer_all_from(index, nlp, ["What app?", " "], k=4, min_score=0)
    assert [each.answer for each in both[0]] == [each.answer for each in found] and both[1] == []
    with pytest.raises(XltError, match="list"):
        answer_all_from(index, nlp, "What app?")


def test_the_command(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(f"{ROWS[0]['context']}\n\nMore.\n", encoding="utf8")
    (tmp_path / "b.jsonl").write_text(json.dumps({"body": ROWS[1]["context"]}) + "\n{}\n", encoding="utf8")
    options = ("--question", ROWS[0]["question"], "--min-score", 0, "--text", "body")
    result = run("answer", saved, tmp_path / "a.txt", tmp_path / "b.jsonl", *options, "--json")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0 and "b.jsonl:2" in result.stderr and len(rows) == 2
    assert {row["location"].rsplit("/", 1)[1] for row in rows} == {"a.txt", "b.jsonl:1"}
    assert rows[0]["score"] >= rows[1]["score"]
    assert rows[0]["text"] in succeed("answer", saved, tmp_path / "a.txt", "--question", "What app?", "--min-score", 0)
    assert "–" in succeed("answer", saved, tmp_path / "a.txt", "--question", "Who?", "--min-score", 1)
    assert "gone.txt" in fail("answer", saved, tmp_path / "gone.txt", "--question", "Who?")


def test_errors(tiny_bert: Path, nlp: Language, saved: Path, tmp_path: Path) -> None:
    with pytest.raises(XltError, match="answer"):
        train_qa([{**ROWS[0], "answer": None}], encoder=tiny_bert)
    with pytest.raises(XltError, match="missing"):
        train_qa(ROWS, encoder=tmp_path)
    with pytest.raises(XltError, match="int"):
        reader_of(nlp).answer("A text.", 7)  # type: ignore[arg-type]
    empty = spacy.blank("xx")
    reader: Any = empty.add_pipe("xlt_qa")
    with pytest.raises(XltError, match="not trained"):
        reader.answer("A text.", "What?")
    with pytest.raises(XltError, match="StaticEncoder"):
        spacy.blank("xx").add_pipe("xlt_qa", config={"encoder": {"@xlt_encoders": "spacy-xlt.StaticEncoder.v1"}})
    shutil.copytree(saved, tmp_path / "model")
    (tmp_path / "model" / "xlt_qa" / "task.json").write_bytes(b"damaged")
    with pytest.raises(XltError, match="task.json"):
        spacy.load(tmp_path / "model")
