"""Splitting texts into sentences for translation models."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_xlt.generation.settings import Output
from spacy_xlt.translators.sentences import MAX_CHARACTERS, generate_parts, split_parts, split_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Where is it? I wait. Thanks!", ["Where is it?", "I wait.", "Thanks!"]),
        ("Version 2.5 is out\n\nNew line", ["Version 2.5 is out", "New line"]),
        ("订单没到。我要退款！", ["订单没到。", "我要退款！"]),
        ("यह क्या है। धन्यवाद।", ["यह क्या है।", "धन्यवाद।"]),
        (" \n ", []),
    ],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


def echo(parts: list[str]) -> list[Output]:
    return [Output(part, "loop" in part) for part in parts]


@given(st.lists(st.text(max_size=40), max_size=5))
def test_no_character_is_lost_and_texts_stay_apart(texts: list[str]) -> None:
    found = generate_parts(texts, split_sentences, echo)
    assert ["".join(each.text.split()) for each in found] == ["".join(text.split()) for text in texts]


@given(st.text(alphabet="ab .\n", min_size=MAX_CHARACTERS, max_size=4 * MAX_CHARACTERS))
def test_long_sentences_are_split_and_nothing_is_lost(text: str) -> None:
    parts = split_sentences(text)
    assert all(0 < len(part) <= MAX_CHARACTERS for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


@given(st.lists(st.sampled_from(["one.", "two two.", "three three three."]), min_size=1), st.integers(1, 12))
def test_parts_are_whole_sentences_within_the_limit(sentences: list[str], limit: int) -> None:
    def count(texts: list[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    parts = split_parts(" ".join(sentences), count, limit)  # type: ignore[arg-type]
    assert " ".join(parts) == " ".join(sentences)
    # A sentence that is longer than the limit is a part of its own.
    assert all(pieces <= limit or part in sentences for part, pieces in zip(parts, count(parts)))


def test_a_text_that_fits_keeps_its_lines() -> None:
    assert split_parts("one\n\ntwo. three", lambda texts: [3] * len(texts), 3) == ["one\n\ntwo. three"]
    assert split_parts(" \n", lambda texts: [0] * len(texts), 3) == []


def test_a_text_is_marked_if_one_of_its_sentences_loops() -> None:
    assert generate_parts(["a. loop.", "c."], split_sentences, echo) == [Output("a. loop.", True), Output("c.")]
