"""Find the segments of a text that are in one language each, with any detector.

The detector gets each word alone, and each word with its neighbors of the same script. The Viterbi algorithm finds the
most probable sequence of languages. A change of language has a cost, so that a single ambiguous word does not become a
segment. Scripts without spaces are split into short pieces. Words that the detector labels `xx` (names, typing errors)
can be in any language. A longer run of them becomes a segment only if the detector labels the whole run `xx`, too.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.detectors.base import Candidates, Detector, Languages, decide
from spacy_xlt.detectors.scripts import HAN, KANA, NAMES, NO_SCRIPT, Codepoints, script_of, to_codepoints
from spacy_xlt.languages import UNKNOWN, add_by_base_code, add_by_code, base_code

# These were chosen on pairs of sentences of SIB-200 dev and NTREX: see benchmarks/langdetect_segments.py.
SWITCH_COST = 10.0  # nats
NEIGHBOURS = 1  # words on each side
OWN_WEIGHT = 0.5  # the weight of a word alone, relative to the word with its neighbors
SMALLEST = 0.005  # the probability of a language that is not among the candidates of a word
# Each language of the text gets this share of the probability that a word is in no known language. With 0, four unknown
# words in a sentence become a segment. With .5, most unknown sentences are missed.
UNKNOWN_SHARE = 0.1
# A language must reach this probability for at least one word of the text.
LEAST_PROBABILITY = 0.3
# If a text has more words, several words are joined to a block.
MOST_UNITS = 2000
_UNSPACED = frozenset(NAMES.index(name) for name in ("Thai", "Lao", "Khmer", "Myanmar", "Tibetan", "Kana", "Han"))
_PIECE = 4  # characters of an unspaced script
_WORD = re.compile(r"\S+")
# The number of all scripts that the detectors do not know.
OTHER_SCRIPT = len(NAMES)
_LETTER, _MODIFIER, _MARK, _VIRAMA = 1, 2, 3, 4  # kinds of characters
_VIRAMA_CLASS = 9  # canonical combining class


@dataclass(frozen=True)
class Segment:
    """A part of a text that is in one language.

    Attributes:
        start: The first character.
        end: The end, as in a slice.
        language: The base code, or `xx` if the language is unknown.
        score: The mean probability of the language. It is 0 for `xx`.
        script: The code of the language with its script if that is known, as in `Detection.language_script`.
    """

    start: int
    end: int
    language: str
    score: float
    script: str = UNKNOWN


@dataclass(frozen=True)
class Unit:
    """A word, or a piece of text without spaces.

    Attributes:
        start: The first character.
        end: The end, as in a slice.
        script: The number of the script.
    """

    start: int
    end: int
    script: int


def find_segments(
    detector: Detector, texts: Sequence[str], languages: Optional[Languages] = None
) -> list[list[Segment]]:
    """Find the segments of texts.

    Args:
        detector: The detector.
        texts: The texts.
        languages: The languages that can occur: see `Detector.detect`.

    Returns:
        The segments of each text, in order. Neighboring segments have different languages. A segment begins with a
        letter and ends with a letter and its combining marks. Characters between two segments belong to neither. A text
        without letters has no segments.
    """
    units = [split_units(text) for text in texts]
    asked = [piece for text, found in zip(texts, units) for piece in _windows(text, found)]
    answers = iter(detector.detect(asked, languages))
    segments = []
    for found in units:
        judged = [next(answers) for _ in range(2 * len(found))]
        segments.append(_join(found, judged))
    return _name_unknown(detector, texts, segments, languages)


def split_units(text: str) -> list[Unit]:
    """Split a text into words with one script each. Scripts without spaces are split into short pieces."""
    scripts, joined = _scripts(to_codepoints(text))
    units = []
    for word in _WORD.finditer(text):
        inside = scripts[word.start() : word.end()]
        places = np.flatnonzero(inside != NO_SCRIPT)
        if not len(places):
            continue
        for run in np.split(places, np.flatnonzero(np.diff(inside[places])) + 1):
            pieces = [run]
            if inside[run[0]] in _UNSPACED:
                letters = np.flatnonzero(~joined[word.start() + run])
                pieces = np.split(run, letters[_PIECE::_PIECE])
            for piece in pieces:
                start, end = word.start() + int(piece[0]), word.start() + int(piece[-1]) + 1
                units.append(Unit(start, end, int(inside[run[0]])))
    block = -(-len(units) // MOST_UNITS)
    return units if block <= 1 else _blocks(units, block)


@lru_cache(maxsize=1)
def _kinds() -> NDArray[np.uint8]:
    """Return the kind of each character up to U+1FFFF. It is 0 for characters that are neither letters nor marks.

    Compatibility variants of letters (º, µ, ℓ) do not count as letters, because they occur in all scripts.
    """
    kinds = np.zeros(0x20000, dtype=np.uint8)
    for code in range(len(kinds)):
        category = unicodedata.category(chr(code))
        if category in ("Lu", "Ll", "Lt", "Lo"):
            kinds[code] = 0 if unicodedata.decomposition(chr(code))[:1] == "<" else _LETTER
        elif unicodedata.combining(chr(code)) == _VIRAMA_CLASS:
            kinds[code] = _VIRAMA
        elif category[0] == "M":
            kinds[code] = _MARK
        elif category == "Lm":
            kinds[code] = _MODIFIER
    return kinds


def _scripts(codepoints: Codepoints) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return the script of each character, and whether the character belongs to the letter before it.

    Marks (accents, vowel signs) have the script of the letter before them. Without such a letter they have no script.
    """
    kinds = _kinds()[np.minimum(codepoints, len(_kinds()) - 1)]
    scripts = script_of(codepoints)
    scripts = np.where(scripts == HAN, np.uint8(KANA), scripts)  # The detector distinguishes Chinese and Japanese.
    mark = (kinds == _MARK) | (kinds == _VIRAMA) | ((kinds == _MODIFIER) & (scripts == NO_SCRIPT))
    scripts[(kinds == _LETTER) & (scripts == NO_SCRIPT)] = OTHER_SCRIPT
    scripts[mark] = NO_SCRIPT
    before = np.maximum.accumulate(np.where(mark, 0, np.arange(len(scripts))))
    scripts = np.where(mark, scripts[before], scripts)
    joined = mark.copy()
    # A consonant after a virama forms a cluster with the consonant before it.
    joined[1:] |= kinds[:-1] == _VIRAMA
    return scripts, joined & (scripts != NO_SCRIPT)


def _blocks(units: list[Unit], size: int) -> list[Unit]:
    """Join neighboring units of one script, at most `size` of them."""
    blocks: list[list[Unit]] = []
    for unit in units:
        if blocks and blocks[-1][0].script == unit.script and len(blocks[-1]) < size:
            blocks[-1].append(unit)
        else:
            blocks.append([unit])
    return [Unit(block[0].start, block[-1].end, block[0].script) for block in blocks]


def _windows(text: str, units: list[Unit]) -> list[str]:
    """Return two strings for each unit: the unit alone, and the unit with its neighbors of the same script."""
    windows = []
    for number, unit in enumerate(units):
        first = last = number
        while first > max(0, number - NEIGHBOURS) and units[first - 1].script == unit.script:
            first -= 1
        while last < min(len(units) - 1, number + NEIGHBOURS) and units[last + 1].script == unit.script:
            last += 1
        windows += [text[unit.start : unit.end], text[units[first].start : units[last].end]]
    return windows


def _join(units: list[Unit], judged: list[Candidates]) -> list[Segment]:
    """Return the segments of the most probable sequence of languages."""
    answers = [_by_language(answer, units[row // 2]) for row, answer in enumerate(judged)]
    languages = sorted({code for answer in answers for code, share in answer.items() if share >= LEAST_PROBABILITY})
    if not languages:
        return []
    places = {code: column for column, code in enumerate(languages)}
    probabilities = np.full((len(judged), len(languages)), SMALLEST)
    for row, answer in enumerate(answers):
        probabilities[row] = max(SMALLEST, UNKNOWN_SHARE * answer.get(UNKNOWN, 0.0))
        for code, share in answer.items():
            if code in places:
                probabilities[row, places[code]] = max(share, probabilities[row, places[code]])
    alone, together = probabilities[::2], probabilities[1::2]
    path = viterbi(OWN_WEIGHT * np.log(alone) + np.log(together), SWITCH_COST)
    borders = np.flatnonzero(np.diff(path)) + 1
    segments = []
    for run in np.split(np.arange(len(units)), borders):
        column = int(path[run[0]])
        candidates = [pair for row in run for pair in judged[2 * row + 1] if base_code(pair[0]) == languages[column]]
        script = decide(add_by_code(candidates).items()).language_script
        score = 0.0 if languages[column] == UNKNOWN else round(float(together[run, column].mean()), 6)
        segments.append(Segment(units[run[0]].start, units[run[-1]].end, languages[column], score, script))
    return segments


def _by_language(answer: Candidates, unit: Unit) -> dict[str, float]:
    """Return the probability of each base code. A unit in a script that no detector knows is `xx`."""
    return add_by_base_code(answer) if answer or unit.script != OTHER_SCRIPT else {UNKNOWN: 1.0}


def _name_unknown(
    detector: Detector, texts: Sequence[str], segments: list[list[Segment]], languages: Optional[Languages]
) -> list[list[Segment]]:
    """Detect the language of each unknown segment as a whole, and join neighboring segments with equal languages."""
    pieces = [
        text[each.start : each.end]
        for text, found in zip(texts, segments)
        for each in found
        if each.language == UNKNOWN
    ]
    if not pieces:
        return segments
    answers = iter(detector.detect(pieces, languages))
    named = []
    for found in segments:
        whole = []
        for segment in found:
            if segment.language == UNKNOWN:
                language, score, script = decide(next(answers))
                segment = replace(segment, language=language, score=score, script=script)
            whole.append(segment)
        named.append(_join_equal(whole))
    return named


def _join_equal(segments: list[Segment]) -> list[Segment]:
    """Join neighboring segments of one language. The score is their mean, weighted by their lengths."""
    joined: list[Segment] = []
    for segment in segments:
        if joined and joined[-1].language == segment.language:
            last = joined[-1]
            lengths = last.end - last.start, segment.end - segment.start
            score = (last.score * lengths[0] + segment.score * lengths[1]) / sum(lengths)
            joined[-1] = replace(last, end=segment.end, score=round(score, 6))
        else:
            joined.append(segment)
    return joined


def viterbi(scores: NDArray[np.float64], switch_cost: float) -> NDArray[np.int64]:
    """Find the path with the highest sum of scores, minus a cost for each change of the column.

    Args:
        scores: The scores, `[n, columns]`.
        switch_cost: The cost of a change of the column.

    Returns:
        The column of each row, `[n]`.

    References:
        Viterbi (1967), Error Bounds for Convolutional Codes and an Asymptotically Optimum Decoding Algorithm.
    """
    best, back = scores[0], np.zeros(scores.shape, dtype=np.int64)
    for row in range(1, len(scores)):
        leader = int(best.argmax())
        stays = best >= best[leader] - switch_cost
        back[row] = np.where(stays, np.arange(scores.shape[1]), leader)
        best = np.where(stays, best, best[leader] - switch_cost) + scores[row]
    path = np.zeros(len(scores), dtype=np.int64)
    path[-1] = best.argmax()
    for row in range(len(scores) - 1, 0, -1):
        path[row - 1] = back[row, path[row]]
    return path
