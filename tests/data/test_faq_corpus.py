"""The corpus of questions and answers: its counts and its splits, as its README says."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import srsly

FAQ = Path(__file__).parent.parent.parent / "corpus" / "faq"
BASE: list[dict[str, Any]] = list(srsly.read_jsonl(FAQ / "base.jsonl"))
DEV = {path.stem: list(srsly.read_jsonl(path)) for path in sorted((FAQ / "dev").iterdir())}
TEST = {path.stem: list(srsly.read_jsonl(path)) for path in sorted((FAQ / "test").iterdir())}


def rows(part: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return [row for of_language in part.values() for row in of_language]


def test_every_answer_is_there_in_english() -> None:
    ids = {row["answer_id"] for row in BASE}
    english = {row["answer_id"] for row in BASE if row["lang"] == "en" and row.get("answer")}
    assert ids == english
    assert len({row["answer_id"] for row in BASE if row["topic"] != "small_talk"}) == 79
    assert len({row["id"] for row in BASE}) == len(BASE)


def test_development_and_test_questions_ask_for_other_answers() -> None:
    asked = [{row["answer_id"] for row in rows(part) if row["answer_id"]} for part in (DEV, TEST)]
    assert not asked[0] & asked[1]
    assert asked[0] | asked[1] == {row["answer_id"] for row in BASE if row["topic"] != "small_talk"}


@pytest.mark.parametrize(("part", "languages", "questions"), [(DEV, 6, 19), (TEST, 13, 24)], ids=["dev", "test"])
def test_each_language_has_its_questions(part: dict[str, Any], languages: int, questions: int) -> None:
    assert len(part) == languages
    for code, of_language in part.items():
        kinds = Counter(row["kind"] for row in of_language)
        assert {row["lang"] for row in of_language} == {code}
        assert kinds["question"] >= questions and kinds["follow_up"] >= 3 and kinds["out_of_scope"] == 6
        assert all((row["answer_id"] is None) == (row["kind"] in ("out_of_scope", "small_talk")) for row in of_language)


def test_follow_ups_are_the_second_turn_of_a_dialogue() -> None:
    for row in rows(TEST) + rows(DEV):
        assert (row["turn"] == 2) == (row["kind"] == "follow_up")


def test_no_question_is_a_text_of_the_base() -> None:
    known = {row["text"].casefold() for row in BASE if row["topic"] != "small_talk"}
    assert [row["text"] for row in rows(TEST) + rows(DEV) if row["text"].casefold() in known] == []
    texts = Counter(row["text"] for row in rows(TEST) + rows(DEV) if row["kind"] in ("question", "follow_up"))
    assert [text for text, n in texts.items() if n > 1] == []
