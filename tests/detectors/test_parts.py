"""Scripts, and texts as parts of one script each."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_xlt.detectors.parts import split_scripts
from spacy_xlt.detectors.scripts import (
    LATIN,
    NAMES,
    has_own_script,
    is_written_in,
    languages_of,
    script_of,
    to_codepoints,
    to_text,
)

ANYTHING = st.text(st.characters(codec=None, exclude_categories=()), max_size=40)


def parts(text: str) -> list[tuple[str, str, float]]:
    return [(NAMES[part.script], " ".join(part.text.split()), round(part.share, 2)) for part in split_scripts([text])]


@pytest.mark.parametrize(
    ("char", "script"),
    [
        ("a", "Latin"),
        ("é", "Latin"),
        ("ế", "Latin"),
        ("ё", "Cyrillic"),
        ("ش", "Arabic"),
        ("ह", "Devanagari"),
        ("ि", "Devanagari"),
        ("我", "Han"),
        ("𠀀", "Han"),
        ("の", "Kana"),
        ("カ", "Kana"),
        ("ー", "Kana"),
        ("한", "Hangul"),
        ("ไ", "Thai"),
        ("א", "Hebrew"),
        ("α", "Greek"),
        ("ა", "Georgian"),
        ("Ꭰ", ""),
        ("5", ""),
        ("٣", ""),
        ("。", ""),
        ("؟", ""),
        (" ", ""),
        ("😡", ""),
        ("\ud800", ""),
    ],
)
def test_script_of_a_character(char: str, script: str) -> None:
    assert NAMES[script_of(to_codepoints(char))[0]] == script


@settings(deadline=None)
@given(ANYTHING)
def test_codepoints_and_back(text: str) -> None:
    assert to_text(to_codepoints(text)) == text


def test_languages_and_scripts_belong_together() -> None:
    assert languages_of(NAMES.index("Hebrew"))[0] == "he"
    assert is_written_in("de", LATIN) and not is_written_in("ru", LATIN) and not has_own_script("de")
    assert is_written_in("sr", LATIN) and is_written_in("sr", NAMES.index("Cyrillic"))
    assert has_own_script("th") and not is_written_in("de", NAMES.index("Thai"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Wo bleibt es?", [("Latin", "Wo bleibt es?", 1.0)]),
        ("", []),
        ("123 😡", []),
        ("ᏣᎳᎩ", []),
        ("日本語です", [("Kana", "日本語です", 1.0)]),
        ("我的包裹", [("Han", "我的包裹", 1.0)]),
        # A stray kana does not make Chinese Japanese.
        (
            "我们两周前订购的包裹现在在哪里请尽快告诉我们谢谢优の良品",
            [("Han", "我们两周前订购的包裹现在在哪里请尽快告诉我们谢谢优 良品", 1.0)],
        ),
        # A name in Latin letters is not a language.
        ("Где мой iPhone, который я заказал", [("Cyrillic", "Где мой , который я заказал", 1.0)]),
        ("Hello world Привет мир", [("Latin", "Hello world", 0.53), ("Cyrillic", "Привет мир", 0.47)]),
        ("iPhone を買った", [("Latin", "iPhone", 0.33), ("Kana", "を買った", 0.67)]),
    ],
)
def test_split_scripts(text: str, expected: list[tuple[str, str, float]]) -> None:
    assert parts(text) == expected


@settings(deadline=None)
@given(st.lists(st.text(st.sampled_from("ab яж 我 の 1ש"), max_size=20), max_size=8))
def test_the_texts_of_a_batch_are_independent(texts: list[str]) -> None:
    together = split_scripts(texts)
    alone = [(number, part) for number, text in enumerate(texts) for part in split_scripts([text])]
    assert [(part.owner, part.text, part.script, part.share) for part in together] == [
        (number, part.text, part.script, part.share) for number, part in alone
    ]
    for number in range(len(texts)):
        shares = [part.share for part in together if part.owner == number]
        assert not shares or np.isclose(sum(shares), 1.0)
