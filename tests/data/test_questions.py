"""Reading questions with their answers."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_xlt.data.questions import Question, load_questions, read_questions
from spacy_xlt.errors import XltError

TEXT = "The parcel arrived on Monday. The invoice came on Monday, too."
ROW = {"context": TEXT, "question": "When did the parcel arrive?", "answer": "Monday", "answer_start": 22}


def squad(*qas: dict[str, Any]) -> dict[str, Any]:
    return {"version": "1.1", "data": [{"title": "Parcels", "paragraphs": [{"context": TEXT, "qas": list(qas)}]}]}


def write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content), encoding="utf8")
    return path


def test_a_file_of_squad(tmp_path: Path) -> None:
    answers = [{"text": "Monday", "answer_start": 22}, {"text": "on Monday", "answer_start": 19}]
    repeated = {"id": "a", "question": "When?", "answers": [*answers, answers[0]]}
    impossible = {"id": "b", "question": "Who?", "answers": [], "is_impossible": True, "plausible_answers": answers}
    path = write(tmp_path / "xquad.de.json", squad(repeated, impossible))
    first, second = load_questions(path)
    assert first == Question(
        "When?", TEXT, ("Monday", "on Monday"), (22, 19), "de",
        f"{path}: article 1, paragraph 1, question 1", "a", "Parcels",
    )  # fmt: skip
    assert second.answers == () and second.location.endswith("question 2")


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("dev-de.json", "de"),
        ("test-context-zh-question-es.json", "zh"),
        ("train-v1.1.json", "xx"),
        ("questions.json", "xx"),
    ],
)
def test_the_language_in_the_name_of_a_file(name: str, language: str, tmp_path: Path) -> None:
    path = write(tmp_path / name, squad({"question": "When?", "answers": [{"text": "Monday", "answer_start": 22}]}))
    assert [each.language for each in load_questions(path)] == [language]
    assert [each.language for each in load_questions(path, language="Turkish")] == ["tr"]
    assert [each.language for each in load_questions({"hi": path})] == ["hi"]


def test_tables_and_dicts_say_the_same(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame([ROW])
    frame.to_csv(tmp_path / "a.csv", index=False)
    (tmp_path / "a.jsonl").write_text(json.dumps({**ROW, "lang": "en"}) + "\n", encoding="utf8")
    hugging_face = {"context": TEXT, "question": ROW["question"], "answers": {"text": ["Monday"], "answer_start": [22]}}
    read = [tmp_path / "a.csv", tmp_path / "a.jsonl", frame, [ROW], iter([ROW]), [hugging_face]]
    found = [load_questions(data)[0] for data in read]
    assert {(each.question, each.context, each.answers, each.starts) for each in found} == {
        (ROW["question"], TEXT, ("Monday",), (22,))
    }
    assert [each.language for each in found] == ["xx", "en", "xx", "xx", "xx", "xx"]
    assert load_questions(found) == found


def test_a_wrong_start_is_replaced_by_the_nearest_right_one() -> None:
    starts = [load_questions([{**ROW, "answer_start": start}])[0].starts[0] for start in (None, "", 20, 45, 10_000)]
    assert starts == [22, 22, 22, 50, 50]
    assert load_questions([{**ROW, "answer": " Monday ", "answer_start": 49}])[0].starts == (50,)


@settings(deadline=None)
@given(st.text(min_size=1), st.integers(0, 50), st.integers(1, 20))
def test_an_answer_is_where_its_start_says(text: str, start: int, length: int) -> None:
    answer = text[start : start + length]
    row = {"context": text, "question": "?", "answer": answer, "answer_start": start}
    questions, bad = read_questions([row])
    assert not bad
    for found, place in zip(questions[0].answers, questions[0].starts):
        assert found == found.strip() == questions[0].context[place : place + len(found)]
    assert bool(questions[0].answers) == bool(answer.strip())


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ({"answer": "Friday"}, "Friday"),
        ({"question": " "}, "question"),
        ({"question": 3}, "int"),
        ({"context": None}, "context"),
        ({"answer": 7}, "int"),
        ({"answer_start": "two"}, "two"),
        ({"answer_start": 1.5}, "1.5"),
        ({"answers": "Monday"}, "str"),
        ({"answers": ["Monday"]}, "answers"),
        ({"lang": "Klingonese"}, "Klingonese"),
    ],
)
def test_a_bad_record_is_left_out_and_named(change: dict[str, Any], value: str) -> None:
    questions, [bad] = read_questions([ROW, {**ROW, **change}])
    assert len(questions) == 1 and bad.location == "item:2" and value in bad.reason
    with pytest.warns(UserWarning, match="item:2"):
        load_questions([ROW, {**ROW, **change}])
    with pytest.raises(XltError, match="item:1"):
        load_questions([{**ROW, **change}])


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ({"data": [7]}, "article 1"),
        ({"data": [{"paragraphs": [{"context": TEXT}]}]}, "article 1, paragraph 1"),
        ({"data": [{"paragraphs": [{"context": TEXT, "qas": ["When?"]}]}]}, "article 1, paragraph 1, question 1"),
        ({"data": [{"paragraphs": [{"qas": [{"question": "When?"}]}]}]}, "article 1, paragraph 1, question 1"),
        ({"data": []}, "no usable question"),
        ([], "no usable question"),
    ],
)
def test_a_damaged_file_is_named(content: Any, place: str, tmp_path: Path) -> None:
    with pytest.raises(XltError, match=place):
        load_questions(write(tmp_path / "dev.json", content))


def test_other_data_are_refused(tmp_path: Path) -> None:
    with pytest.raises(XltError, match="gone.json"):
        load_questions(tmp_path / "gone.json")
    with pytest.raises(XltError, match="item:1"):
        load_questions([7])
    (tmp_path / "half.json").write_text('{"data": [', encoding="utf8")
    with pytest.raises(XltError, match="half.json:1"):
        load_questions(tmp_path / "half.json")
