"""Where a text changes its language: a Viterbi pass over the words.

Each word is judged alone and together with its neighbours of the same script; a change of language has a cost, so that
one doubtful word does not make a segment. Works with every detector, for every script: what is written without spaces
is cut into short pieces.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.detectors.base import Candidates, Detector, Languages
from spacy_xlt.detectors.scripts import HAN, KANA, NAMES, NO_SCRIPT, script_of, to_codepoints

# Chosen on pairs of sentences of SIB-200 dev and NTREX, see benchmarks/langdetect_segments.py.
SWITCH_COST = 10.0  # nats
NEIGHBOURS = 1  # words on each side
OWN_WEIGHT = 0.5  # of a word judged alone, beside 1 for it with its neighbours
SMALLEST = 0.005  # the probability of a language that is not among a word's candidates
# A language that nowhere in the text is so probable is not in it.
LEAST_BELIEF = 0.3
# A longer text is read in blocks of several words.
MOST_UNITS = 2000
_UNSPACED = frozenset(NAMES.index(name) for name in ("Thai", "Lao", "Khmer", "Myanmar", "Tibetan", "Kana", "Han"))
_PIECE = 4  # characters of an unspaced script
_WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class Segment:
    """Characters `start` to `end` of a text, their language (base code) and its mean probability."""

    start: int
    end: int
    language: str
    score: float


@dataclass(frozen=True)
class Unit:
    """A word, or a piece of an unspaced script: its place and the number of its script."""

    start: int
    end: int
    script: int


def find_segments(
    detector: Detector, texts: Sequence[str], languages: Optional[Languages] = None
) -> list[list[Segment]]:
    """Return the segments of each text, in order, each of another language than the one before.

    A segment begins and ends with a letter; what lies between two belongs to none. A text without a letter has none.
    languages: the prior of the detector.
    """
    units = [split_units(text) for text in texts]
    asked = [piece for text, found in zip(texts, units) for piece in _windows(text, found)]
    answers = iter(detector.detect(asked, languages))
    segments = []
    for found in units:
        judged = [next(answers) for _ in range(2 * len(found))]
        segments.append(_join(found, judged))
    return segments


def split_units(text: str) -> list[Unit]:
    """Cut a text into words of one script each; unspaced scripts into pieces of a few characters."""
    scripts = script_of(to_codepoints(text))
    scripts = np.where(scripts == HAN, np.uint8(KANA), scripts)  # told apart by the detector
    units = []
    for word in _WORD.finditer(text):
        inside = scripts[word.start() : word.end()]
        places = np.flatnonzero(inside != NO_SCRIPT)
        if not len(places):
            continue
        for run in np.split(places, np.flatnonzero(np.diff(inside[places])) + 1):
            step = _PIECE if inside[run[0]] in _UNSPACED else len(run)
            for first in range(0, len(run), step):
                piece = run[first : first + step]
                start, end = word.start() + int(piece[0]), word.start() + int(piece[-1]) + 1
                units.append(Unit(start, end, int(inside[run[0]])))
    block = -(-len(units) // MOST_UNITS)
    return units if block <= 1 else _blocks(units, block)


def _blocks(units: list[Unit], size: int) -> list[Unit]:
    """Neighbours of one script together, at most `size` of them."""
    blocks: list[list[Unit]] = []
    for unit in units:
        if blocks and blocks[-1][0].script == unit.script and len(blocks[-1]) < size:
            blocks[-1].append(unit)
        else:
            blocks.append([unit])
    return [Unit(block[0].start, block[-1].end, block[0].script) for block in blocks]


def _windows(text: str, units: list[Unit]) -> list[str]:
    """For each unit itself, and then itself with its neighbours as far as they are of its script."""
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
    """The best path through the languages of the units, as segments."""
    languages = sorted({code for answer in judged for code, probability in answer if probability >= LEAST_BELIEF})
    if not languages:
        return []
    places = {code: column for column, code in enumerate(languages)}
    probabilities = np.full((len(judged), len(languages)), SMALLEST)
    for row, answer in enumerate(judged):
        for code, probability in answer:
            if code in places:
                probabilities[row, places[code]] = max(probability, SMALLEST)
    alone, together = probabilities[::2], probabilities[1::2]
    path = viterbi(OWN_WEIGHT * np.log(alone) + np.log(together), SWITCH_COST)
    borders = np.flatnonzero(np.diff(path)) + 1
    segments = []
    for run in np.split(np.arange(len(units)), borders):
        column = int(path[run[0]])
        score = float(together[run, column].mean())
        segments.append(Segment(units[run[0]].start, units[run[-1]].end, languages[column], round(score, 6)))
    return segments


def viterbi(scores: NDArray[np.float64], switch_cost: float) -> NDArray[np.int64]:
    """Return the path (a column for each row) with the highest sum of scores less the cost of each change of column."""
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
