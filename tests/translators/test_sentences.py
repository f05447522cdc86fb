"""Splitting texts into sentences for translation models."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_xlt.translators.sentences import split_sentences, translate_sentences


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


@given(st.lists(st.text(max_size=40), max_size=5))
def test_no_character_is_lost_and_texts_stay_apart(texts: list[str]) -> None:
    found = translate_sentences(texts, lambda sentences: sentences)
    assert ["".join((each or "").split()) for each in found] == ["".join(text.split()) for text in texts]
    assert all((each is None) == (not text.strip()) for each, text in zip(found, texts))


def test_a_text_with_a_sentence_that_is_not_translated_is_not_translated() -> None:
    found = translate_sentences(
        ["a. b.", "c."], lambda sentences: [None if "b" in each else each for each in sentences]
    )
    assert found == [None, "c."]
