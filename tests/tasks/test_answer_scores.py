"""Exact match and F1 of answers, on cases that were worked out by hand from the description of MLQA."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_xlt.tasks.answer_scores import answer_f1, answer_tokens, exact_match, normalize_answer


@pytest.mark.parametrize(
    ("text", "language", "normalized"),
    [
        ("The  U.S. Army!", "en", "us army"),
        ("An atheist", "en", "atheist"),
        ("theatre", "en", "theatre"),
        ("the “Bill”", "en", "bill"),
        ("Die Grünen", "de", "grünen"),
        ("in einem Haus", "de", "in haus"),
        ("the Haus", "de", "the haus"),
        ("La Habana, unos días", "es", "habana días"),
        ("những con sông của Việt Nam", "vi", "con sông việt nam"),
        ("الكتاب", "ar", "كتاب"),
        ("في القاهرة", "ar", "في قاهرة"),
        ("भारत का संविधान।", "hi", "भारत का संविधान"),
        ("the поезд", "ru", "the поезд"),
        ("24 次（1999年）", "zh", "24 次1999年"),
        ("$5+", "en", "5"),
        ("…", "en", ""),
    ],
)
def test_normalization(text: str, language: str, normalized: str) -> None:
    assert normalize_answer(text, language) == normalized


def test_chinese_is_split_into_characters_and_numbers_stay_whole() -> None:
    assert answer_tokens("24 次擒杀1999年", "zh") == ["24", "次", "擒", "杀", "1999", "年"]
    assert answer_tokens("NFL联盟", "zh") == ["nfl", "联", "盟"]
    assert answer_tokens("Super Bowl", "en") == ["super", "bowl"]


@pytest.mark.parametrize(
    ("answer", "gold", "language", "f1", "exact"),
    [
        ("the Denver Broncos", ["Denver Broncos"], "en", 1, 1),
        # Two of three and two of two tokens: 2 * 2 / (3 + 2).
        ("champion Denver Broncos", ["Denver Broncos"], "en", 0.8, 0),
        ("Denver", ["Broncos", "Denver Broncos"], "en", 2 / 3, 0),
        # A token counts as often as it is in both.
        ("no no no", ["no"], "en", 0.5, 0),
        ("四次", ["四十次"], "zh", 0.8, 0),
        ("der Kaiser", ["Kaiser"], "de", 1, 1),
        ("der Kaiser", ["Kaiser"], "en", 2 / 3, 0),
        ("", ["Kaiser"], "en", 0, 0),
        ("", [], "en", 1, 1),
        ("Kaiser", [], "en", 0, 0),
    ],
)
def test_scores(answer: str, gold: list[str], language: str, f1: float, exact: float) -> None:
    assert answer_f1(answer, gold, language) == pytest.approx(f1)
    assert exact_match(answer, gold, language) == exact


@settings(deadline=None)
@given(st.text(), st.text(), st.sampled_from(["en", "de", "es", "vi", "ar", "hi", "zh", "ru"]))
def test_f1_is_symmetric_and_at_least_the_exact_match(one: str, other: str, language: str) -> None:
    score = answer_f1(one, [other], language)
    assert 0 <= score <= 1 and score == answer_f1(other, [one], language)
    if exact_match(one, [other], language) and answer_tokens(one, language):
        assert score == 1
