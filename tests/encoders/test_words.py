"""The words of a text: whole, in parts, remembered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_xlt.encoders import words
from spacy_xlt.encoders.words import LONGEST_WORD, WordRows, normalize_word

WORDS = [
    "kinderbuch",
    "autor",
    "autorin",
    "kind",
    "das",
    "buch",
    "荷物",
    "物",
    "どこ",
    "हिन्दी",
    "!",
    "a" * LONGEST_WORD,
]


def found(text: str) -> list[str]:
    rows, counts = WordRows(WORDS).find([text])
    assert counts.tolist() == [len(rows)]
    return [WORDS[row] for row in rows]


@pytest.mark.parametrize(
    ("token", "word"),
    [
        ("Buch,", "buch"),
        ("„Buch“", "buch"),
        ("d'accord", "d'accord"),
        ("...", "..."),
        ("😀", "😀"),
        ("(हिन्दी)", "हिन्दी"),
    ],
)
def test_a_word_is_lower_case_without_the_punctuation_around_it(token: str, word: str) -> None:
    assert normalize_word(token) == word


def test_known_words_are_found_whole() -> None:
    assert found("Das Buch, das Kind!") == ["das", "buch", "das", "kind"]
    assert found("!") == ["!"]
    assert found("") == found(" \n ") == []


def test_of_unknown_words_the_longest_known_parts_are_found_from_left_to_right() -> None:
    assert found("Kinderbuchautorin") == ["kinderbuch", "autorin"]
    assert found("xxKinderbuch-Autorxx") == ["kinderbuch", "autor"]


def test_short_parts_count_only_where_there_are_no_spaces() -> None:
    assert found("dasselbe") == []
    assert found("荷物はどこですか") == ["荷物", "どこ"]
    assert found("物品") == ["物"]


def test_texts_keep_their_order_and_number() -> None:
    rows, counts = WordRows(WORDS).find(["das", "", "buch das", "xyz"])
    assert counts.tolist() == [1, 0, 2, 0]
    assert [WORDS[row] for row in rows] == ["das", "buch", "das"]


@given(st.lists(st.text(max_size=30), max_size=5))
def test_what_is_remembered_changes_nothing(texts: list[str]) -> None:
    rows = WordRows(WORDS)
    first, counts = rows.find(texts)
    again, same = rows.find(texts)
    assert first.tolist() == again.tolist() and counts.tolist() == same.tolist() and len(counts) == len(texts)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "CACHED_WORDS", 50)
    rows = WordRows(WORDS)
    for start in range(0, 2000, 20):
        rows.find([f"a{number}" for number in range(start, start + 20)])
        rows.find(["b" * 500])
        assert len(rows._known) <= 50 + 21
    assert all(len(word) <= words.CACHED_LENGTH for word in rows._known)
    rows.forget()
    assert not rows._known
