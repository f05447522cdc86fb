"""Word-by-word translation."""

import pytest

from spacy_xlt.transfer.word_by_word import translate_words

ENTRIES = [
    ("dog", "mbwa"),
    ("sleep", "lala"),
    ("good morning", "habari za asubuhi"),
    ("good", "nzuri"),
    ("play", "cheza"),
    (" ", "x"),
    ("the", " "),
]


@pytest.mark.parametrize(
    ("sentence", "translation"),
    [
        ("Dogs sleep!", "mbwa lala!"),
        ("Good morning, dog.", "habari za asubuhi, mbwa."),
        ("A good dog played (2019).", "A nzuri mbwa cheza (2019)."),
        ("playing dog's", "cheza mbwa"),
        ("Dogs, weather and Rex sleep good.", "mbwa, Rex lala nzuri."),
    ],
)
def test_words_and_phrases_are_replaced(sentence: str, translation: str) -> None:
    assert translate_words([sentence], ENTRIES) == [(sentence, translation)]


def test_a_sentence_with_few_known_words_is_left_out() -> None:
    assert translate_words(["The weather is bad, dog.", "", "!?"], ENTRIES) == []


def test_translations_are_drawn_by_seed() -> None:
    entries = [("dog", f"mbwa{number}") for number in range(5)]
    sentences = ["dog"] * 30
    drawn = {seed: translate_words(sentences, entries, seed=seed) for seed in (0, 1)}
    assert drawn[0] == translate_words(sentences, entries, seed=0) != drawn[1]
    assert {theirs for _, theirs in drawn[0]} == {f"mbwa{number}" for number in range(5)}
