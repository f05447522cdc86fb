"""Small facts about a text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_xlt.text import has_letters, replace_surrogates, strip_controls

ANYTHING = st.text(st.characters(codec=None, exclude_categories=()), max_size=50)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("plain", "plain"),
        ("a\ud800b\udfffc", "a\ufffdb\ufffdc"),
        ("😡 \U0001f469\u200d\U0001f467", "😡 👩‍👧"),
    ],
)
def test_replace_surrogates(text: str, expected: str) -> None:
    assert replace_surrogates(text) == expected


@settings(deadline=None)
@given(ANYTHING)
def test_without_surrogates_a_text_can_be_written_and_keeps_its_length(text: str) -> None:
    clean = replace_surrogates(text)
    assert clean.encode("utf8").decode("utf8") == clean
    assert len(clean) == len(text)


@pytest.mark.parametrize("text", ["", " \n", "123", "😡", "?!", "\0", "\ud800", "٣٤", "½"])
def test_no_letters(text: str) -> None:
    assert not has_letters(text)


@pytest.mark.parametrize("text", ["a", "1 a", "我", "ё", "ह", "ش", "ﬁ", "ᏣᎳᎩ"])
def test_letters_of_any_script(text: str) -> None:
    assert has_letters(text)


def test_a_number_of_letters() -> None:
    assert has_letters("a1b2c", 3)
    assert not has_letters("a1b2c", 4)
    assert has_letters("", 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a b", "a b"), ("a\0b", "a b"), ("a\n\tb", "a  b"), ("\ufeffa\u200bb\ud800", " a b "), ("née 我", "née 我")],
)
def test_strip_controls(text: str, expected: str) -> None:
    assert strip_controls(text) == expected


@settings(deadline=None)
@given(ANYTHING)
def test_strip_controls_keeps_the_length_and_all_letters(text: str) -> None:
    stripped = strip_controls(text)
    assert len(stripped) == len(text)
    assert [char for char in stripped if char.isalpha()] == [char for char in text if char.isalpha()]
    assert strip_controls(stripped) == stripped
