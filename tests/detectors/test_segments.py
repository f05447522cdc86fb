"""Where a text changes its language."""

import itertools
import unicodedata
from collections.abc import Sequence
from typing import Optional

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_xlt.detectors import segments as module
from spacy_xlt.detectors.base import Candidates, Detector, Languages
from spacy_xlt.detectors.langdetect import LangDetect
from spacy_xlt.detectors.ngrams import NGrams
from spacy_xlt.detectors.segments import find_segments, split_units, viterbi
from tests.detectors.snippets import SENTENCES


class Letters:
    """Of each word, the language is its first letter: a, b or c; a word of x can be anything."""

    def detect(self, texts: Sequence[str], languages: Optional[Languages] = None) -> list[Candidates]:
        return [self._detect(text) for text in texts]

    def _detect(self, text: str) -> Candidates:
        words = [word for word in text.split() if word[0] in "abc"]
        if not words:
            return [("a", 0.34), ("b", 0.33), ("c", 0.33)]
        shares = {code: sum(word[0] == code for word in words) / len(words) for code in "abc"}
        return sorted(((code, share) for code, share in shares.items() if share), key=lambda pair: -pair[1])


def found(text: str) -> list[tuple[str, str]]:
    return [(text[each.start : each.end], each.language) for each in find_segments(Letters(), [text])[0]]


def test_a_change_of_language_is_found_at_its_word() -> None:
    assert found("aa aaa a, aa! bb bbb b bb.") == [("aa aaa a, aa", "a"), ("bb bbb b bb", "b")]
    assert found("aa aa aa aa aa") == [("aa aa aa aa aa", "a")]


def test_a_single_ambiguous_word_is_not_a_segment() -> None:
    assert found("aa aa aa xx aa aa aa") == [("aa aa aa xx aa aa aa", "a")]
    assert found("aa aa aa aa bb aa aa aa aa") == [("aa aa aa aa bb aa aa aa aa", "a")]


def test_a_text_without_letters_has_no_segments() -> None:
    assert found("") == found("12 34!") == []
    assert find_segments(Letters(), []) == []


@settings(deadline=None)
@given(st.text(st.sampled_from("abx ,я我の1"), max_size=40))
def test_segments_are_in_order_and_begin_and_end_with_letters(text: str) -> None:
    segments = find_segments(Letters(), [text])[0]
    for segment in segments:
        assert text[segment.start].isalpha() and text[segment.end - 1].isalpha()
        assert 0 < segment.score <= 1
    for one, other in itertools.pairwise(segments):
        assert one.end <= other.start and one.language != other.language


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 3), st.floats(0, 5))
def test_viterbi_finds_the_best_of_all_paths(seed: int, rows: int, columns: int, cost: float) -> None:
    scores = np.random.default_rng(seed).normal(size=(rows, columns))

    def total(path: Sequence[int]) -> float:
        changes = sum(one != other for one, other in itertools.pairwise(path))
        return sum(scores[row, column] for row, column in enumerate(path)) - cost * changes

    best = max(total(path) for path in itertools.product(range(columns), repeat=rows))
    assert total(viterbi(scores, cost).tolist()) == pytest.approx(best)


def test_units_are_words_of_one_script_and_pieces_of_unspaced_ones() -> None:
    text = "Hello, мир 2024 これは日本語です ไปเที่ยวด้วยกัน"
    units = [text[unit.start : unit.end] for unit in split_units(text)]
    assert units[:2] == ["Hello", "мир"]
    assert "".join(units[2:]) == "これは日本語ですไปเที่ยวด้วยกัน"
    assert all(sum(unicodedata.category(char)[0] == "L" for char in unit) <= 4 for unit in units[2:])


def test_compatibility_letters_do_not_split_a_word() -> None:
    text = "nº 5 del 3ª, 10µm"
    assert [text[unit.start : unit.end] for unit in split_units(text)] == ["nº", "del", "ª", "m"]


@pytest.mark.parametrize(
    "word",
    [
        "cafe\u0301",
        "e\u0301te\u0301",
        "и\u0306",
        "हिन्दी",
        "বাংলা",
        "தமிழ்",
        "නැහැ",
        "\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd",
        "\u0645\u064f\u062d\u064e\u0645\u0651\u064e\u062f",
        "o\u02bbzbek",
        "ᏣᎳᎩ",
        "ꯃꯤꯇꯩꯂꯣꯟ",
        "ꦗꦮ",
        "\U0001e900\U0001e912\U0001e946",
    ],
)
def test_marks_stay_within_the_word(word: str) -> None:
    text = f"12 {word}, ({word}). {word}"
    assert [text[unit.start : unit.end] for unit in split_units(text)] == [word] * 3


@pytest.mark.parametrize(
    "text", ["ภาษาไทยที่นี่ดีมากและสวยงาม", "ភាសាខ្មែរនៅកម្ពុជាស្អាតណាស់", "မြန်မာစာသည်လှပသောဘာသာစကား", "がぎぐげござじずぜぞ"]
)
def test_pieces_of_unspaced_scripts_begin_with_a_letter(text: str) -> None:
    text = unicodedata.normalize("NFD", text)
    pieces = [text[unit.start : unit.end] for unit in split_units(text)]
    assert "".join(pieces) == text and len(pieces) > 1
    assert all(piece[0].isalpha() for piece in pieces)
    assert not any(unicodedata.combining(piece[-1]) == 9 for piece in pieces[:-1] if "\u1780" <= piece[0] <= "\u17ff")


@settings(deadline=None)
@given(st.text(st.sampled_from("abя我のกิ่ក្កမ္မे\u0301\u3099ᏣꯃꯤˈȚ😀 ,1\u200d\ufe0f\0"), max_size=30))
def test_units_hold_all_letters_once(text: str) -> None:
    units = split_units(text)
    inside = [place for unit in units for place in range(unit.start, unit.end)]
    assert inside == sorted(set(inside))
    letters = {n for n, char in enumerate(text) if unicodedata.category(char) in ("Lu", "Ll", "Lt", "Lo")}
    assert letters <= set(inside)
    for unit in units:
        assert text[unit.start].isalpha()
        assert unicodedata.category(text[unit.end - 1])[0] in "LM"
        assert unit.end == len(text) or not unicodedata.combining(text[unit.end])


# Words in no known language


class Open:
    """Of each word, the language is its first letter: a, b or c; all other words are in no known language."""

    def detect(self, texts: Sequence[str], languages: Optional[Languages] = None) -> list[Candidates]:
        return [self._detect(text.split()) for text in texts]

    def _detect(self, words: list[str]) -> Candidates:
        known = [word[0] for word in words if word[0] in "abc"]
        if not words:
            return []
        if not known or 2 * len(known) < len(words):
            return [("xx", 0.9), ("a", 0.1)]
        best = max(known, key=known.count)
        return [(best, 0.9), ("xx", 0.1)]


def opened(text: str, detector: Optional[Detector] = None) -> list[tuple[str, str]]:
    return [(text[each.start : each.end], each.language) for each in find_segments(detector or Open(), [text])[0]]


@pytest.mark.parametrize(
    "text",
    [
        "bb bb bb xx bb bb bb",
        "bb bb bb bb xx xx xx xx bb bb bb bb",
        "xx bb bb bb bb",
        "xx xx bb bb bb bb",
        "bb bb bb bb xx xx",
        "bb xx bb xx bb xx xx bb",
    ],
)
def test_a_few_unknown_words_are_not_a_segment(text: str) -> None:
    assert opened(text) == [(text, "b")]


def test_unknown_words_at_a_change_of_language() -> None:
    found = opened("aa aa aa aa xx bb bb bb bb")
    assert [language for _, language in found] == ["a", "b"]


def test_a_long_unknown_passage_is_a_segment() -> None:
    unknown = " ".join(["xx"] * 20)
    assert opened(f"aa aa aa aa {unknown} bb bb bb bb") == [("aa aa aa aa", "a"), (unknown, "xx"), ("bb bb bb bb", "b")]
    (segment,) = find_segments(Open(), [unknown])[0]
    assert (segment.language, segment.score, segment.script) == ("xx", 0.0, "xx")


def test_unknown_words_get_the_language_of_the_whole_passage() -> None:
    class Patient(Open):
        def _detect(self, words: list[str]) -> Candidates:
            return [("a", 0.75)] if len(words) > 5 else super()._detect(words)

    assert opened(" ".join(["xx"] * 20), Patient()) == [(" ".join(["xx"] * 20), "a")]
    text = "bb bb bb bb " + " ".join(["xx"] * 20) + " aa aa aa aa"
    segments = find_segments(Patient(), [text])[0]
    assert [(text[each.start : each.end], each.language) for each in segments] == [
        ("bb bb bb bb", "b"),
        (" ".join(["xx"] * 20) + " aa aa aa aa", "a"),
    ]
    assert 0.75 < segments[1].score < 0.9


def test_a_passage_in_a_script_that_no_back_end_knows_is_unknown() -> None:
    cherokee = "ᏂᎦᏓ ᎠᏂᏴᏫ ᏂᎨᎫᏓᎸᎾ ᎠᎴ ᎤᏂᏠᏱ ᎤᎾᏕᎿ ᏚᏳᎧᏛ ᎨᏒᎢ ᎨᏥᏁᎳ ᎤᎾᏓᏅᏖᏗ"
    text = f"{SENTENCES['de']} {cherokee}"
    assert [language for _, language in opened(text, LangDetect())] == ["de", "xx"]
    assert opened(cherokee, LangDetect()) == [(cherokee, "xx")]


def test_segments_are_of_base_codes_and_have_the_best_script() -> None:
    class Scripts:
        def detect(self, texts: Sequence[str], languages: Optional[Languages] = None) -> list[Candidates]:
            answers = {
                "s": [("yue", 0.4), ("zho_Hans", 0.35), ("zho_Hant", 0.25)],
                "d": [("de", 0.9)],
                "z": [("zh", 0.9)],
            }
            return [answers[text[0]] for text in texts]

    def found(text: str) -> list[tuple[str, str]]:
        return [(each.language, each.script) for each in find_segments(Scripts(), [text])[0]]

    assert found("ss ss ss ss dd dd dd dd") == [("zh", "zho_Hans"), ("de", "deu_Latn")]
    assert found("zz zz") == [("zh", "zh")]


@settings(deadline=None)
@given(st.lists(st.sampled_from(["aa", "bb", "xx", "ᏣᎳᎩ", "12", "e\u0301"]), max_size=40).map(" ".join))
def test_segments_with_unknown_words(text: str) -> None:
    segments = find_segments(Open(), [text])[0]
    assert bool(segments) == any(char.isalpha() for char in text)
    for one, other in itertools.pairwise(segments):
        assert one.end <= other.start and one.language != other.language
    for segment in segments:
        assert text[segment.start].isalpha() and unicodedata.category(text[segment.end - 1])[0] in "LM"
        assert (segment.score == 0) == (segment.language == "xx")


def test_long_texts_are_read_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_UNITS", 10)
    text = "aa " * 40 + "bb " * 41
    assert len(split_units(text)) <= 10
    assert [language for _, language in found(text)] == ["a", "b"]


PAIRS = [("en", "ru"), ("de", "ar"), ("ar", "fr"), ("ja", "en"), ("hi", "en"), ("zh", "de"), ("ru", "ja"), ("en", "vi")]


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_real_pairs_right_to_left_and_unspaced_ones_too(pair: tuple[str, str]) -> None:
    text = " ".join(SENTENCES[language] for language in pair)
    for detector in (LangDetect(), NGrams()):
        segments = find_segments(detector, [text], list(SENTENCES))[0]
        assert [segment.language for segment in segments] == list(pair)
        border = len(SENTENCES[pair[0]])
        assert abs(segments[0].end - border) <= 12 and abs(segments[1].start - border) <= 12


def test_a_batch_gives_what_single_texts_give() -> None:
    texts = [SENTENCES["en"] + SENTENCES["ru"], "", SENTENCES["de"], SENTENCES["ja"] + " " + SENTENCES["fr"]]
    assert find_segments(NGrams(), texts) == [find_segments(NGrams(), [text])[0] for text in texts]


class KnowsNoWord:
    """An open-set detector that is sure only of two words and more."""

    def detect(self, texts: Sequence[str], languages: Optional[Languages] = None) -> list[Candidates]:
        answers = NGrams().detect(texts, languages)
        return [
            [("xx", 0.9), *((code, 0.1 * share) for code, share in answer)] if len(text.split()) == 1 else answer
            for text, answer in zip(texts, answers)
        ]


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "it", "pt", "tr", "vi", "ru", "ar", "hi"])
def test_unknown_words_do_not_split_a_sentence(language: str) -> None:
    text = SENTENCES[language]
    (segment,) = find_segments(KnowsNoWord(), [text], list(SENTENCES))[0]
    assert segment.language == language
    assert text[: segment.start] + text[segment.end :] in ("", "?", "¿?", "؟", " ?")
