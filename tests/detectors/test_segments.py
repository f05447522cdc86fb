"""Where a text changes its language."""

import itertools
from collections.abc import Sequence
from typing import Optional

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_xlt.detectors import segments as module
from spacy_xlt.detectors.base import Candidates, Languages
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


def test_one_doubtful_word_makes_no_segment() -> None:
    assert found("aa aa aa xx aa aa aa") == [("aa aa aa xx aa aa aa", "a")]
    assert found("aa aa aa aa bb aa aa aa aa") == [("aa aa aa aa bb aa aa aa aa", "a")]


def test_nothing_to_tell() -> None:
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
    assert all(len(unit) <= 4 for unit in units[2:])


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
