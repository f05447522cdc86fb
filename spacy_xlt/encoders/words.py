"""The words of a text, as the static encoder knows them: whole words of a list, the longest where none fits whole."""

import re
import threading
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

# A part of an unknown word counts from so many letters on ("Kinderbuch" in "Kinderbuchautorin"), but where there are no
# spaces between words every part does.
FEWEST_LETTERS, LONGEST_WORD = 4, 24
LONGEST_UNSPACED, BEGINNING_UNSPACED = 10, 2
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
# Words whose rows are remembered; longer ones (languages without spaces) seldom come twice.
CACHED_WORDS, CACHED_LENGTH = 100_000, LONGEST_WORD


def normalize_word(token: str) -> str:
    """A token in lower case without the punctuation around it; punctuation alone and emoji are words of their own."""
    if token.isalnum():
        return token.lower()
    start, end = 0, len(token)
    while start < end and not _in_word(token[start]):
        start += 1
    while end > start and not _in_word(token[end - 1]):
        end -= 1
    return token[start:end].lower() or token


def _in_word(character: str) -> bool:
    # Vowel signs of Indian scripts and Arabic points are marks, not letters.
    return character.isalnum() or unicodedata.category(character)[0] == "M"


class WordRows:
    """Which rows of a table of words a text is made of."""

    def __init__(self, words: Sequence[str]) -> None:
        self._rows = {word: row for row, word in enumerate(words)}
        # The length of the longest word with a beginning: most places of an unknown word begin none of those known.
        self._reach: dict[str, int] = {}
        for word in words:
            length = len(word)
            for beginning in (word[:BEGINNING_UNSPACED], word[:FEWEST_LETTERS]):
                if self._reach.get(beginning, 0) < length:
                    self._reach[beginning] = length
        self._known: dict[str, tuple[int, ...]] = {}
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Empty what is remembered of words."""
        with self._lock:
            self._known = {}

    def find(self, texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the rows of all texts, one after the other, and how many of them belong to each text."""
        split = [text.split() for text in texts]
        words = list(chain.from_iterable(split))
        # Other threads put words in or take a new dict, but nothing is ever taken out of this one.
        known = self._known
        new = {word: self._rows_of(word) for word in set(words).difference(known)}
        # No loop of Python's own from here on: it is what most of the time would go to.
        found: list[Any] = list(map(new.get, words, map(known.get, words)))
        self._remember(new)
        lengths = np.fromiter(map(len, found), dtype=np.int64, count=len(found))
        ends = np.cumsum([0, *map(len, split)])
        counts = np.diff(np.concatenate([[0], np.cumsum(lengths)])[ends])
        return np.fromiter(chain.from_iterable(found), dtype=np.int64, count=int(lengths.sum())), counts

    def _rows_of(self, token: str) -> tuple[int, ...]:
        """The row of a word; of an unknown one the rows of the longest words in it, from left to right."""
        rows, word = self._rows, normalize_word(token)
        if word in rows:
            return (rows[word],)
        unspaced = _UNSPACED.search(word) is not None
        size, fewest, longest = (
            (BEGINNING_UNSPACED, 1, LONGEST_UNSPACED) if unspaced else (FEWEST_LETTERS, FEWEST_LETTERS, LONGEST_WORD)
        )
        found, start, stop, reach = [], 0, len(word) - fewest, self._reach
        while start <= stop:
            # A single letter is a word of one beginning that need not be another word's.
            most = min(reach.get(word[start : start + size], fewest), longest)
            for end in range(min(start + most, len(word)), start + fewest - 1, -1):
                row = rows.get(word[start:end])
                if row is not None:
                    found.append(row)
                    start = end
                    break
            else:
                start += 1
        return tuple(found)

    def _remember(self, rows: Mapping[str, tuple[int, ...]]) -> None:
        if not rows:
            return
        with self._lock:
            if len(self._known) > CACHED_WORDS:
                self._known = {}
            self._known.update((word, row) for word, row in rows.items() if len(word) <= CACHED_LENGTH)
