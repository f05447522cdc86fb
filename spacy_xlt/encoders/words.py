"""Find the words of a text in the table of the static encoder. Unknown words are split into known parts."""

import re
import threading
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

# The length of the parts of an unknown word ("Kinderbuch" in "Kinderbuchautorin"). In text without spaces between
# words, a part can be shorter.
FEWEST_LETTERS, LONGEST_WORD = 4, 24
LONGEST_UNSPACED, BEGINNING_UNSPACED = 10, 2
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
# The size of the cache, and the longest word in it. Longer words (in text without spaces) rarely occur twice.
CACHED_WORDS, CACHED_LENGTH = 100_000, LONGEST_WORD


def normalize_word(token: str) -> str:
    """Return a token in lower case without punctuation around it. Tokens of only punctuation or emoji are kept."""
    if token.isalnum():
        return token.lower()
    start, end = 0, len(token)
    while start < end and not _in_word(token[start]):
        start += 1
    while end > start and not _in_word(token[end - 1]):
        end -= 1
    return token[start:end].lower() or token


def _in_word(character: str) -> bool:
    # Vowel signs of Indic scripts and Arabic diacritics are marks, not letters.
    return character.isalnum() or unicodedata.category(character)[0] == "M"


class WordRows:
    """The words of a table, and a cache of the rows of words.

    Args:
        words: The word of each row.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._rows = {word: row for row, word in enumerate(words)}
        # The length of the longest word with a given beginning. Most positions in an unknown word begin no known word.
        self._reach: dict[str, int] = {}
        for word in words:
            length = len(word)
            for beginning in (word[:BEGINNING_UNSPACED], word[:FEWEST_LETTERS]):
                if self._reach.get(beginning, 0) < length:
                    self._reach[beginning] = length
        self._known: dict[str, tuple[int, ...]] = {}
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Clear the cache."""
        with self._lock:
            self._known = {}

    def find(self, texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Find the words of texts in the table.

        Args:
            texts: The texts.

        Returns:
            The rows of all texts, one text after the other; the number of rows of each text [texts].
        """
        split = [text.split() for text in texts]
        words = list(chain.from_iterable(split))
        # Other threads may add words to this dict or replace it, but they never remove words from it.
        known = self._known
        new = {word: self._rows_of(word) for word in set(words).difference(known)}
        # The rest is written without Python loops, which would take most of the time.
        found: list[Any] = list(map(new.get, words, map(known.get, words)))
        self._remember(new)
        lengths = np.fromiter(map(len, found), dtype=np.int64, count=len(found))
        ends = np.cumsum([0, *map(len, split)])
        counts = np.diff(np.concatenate([[0], np.cumsum(lengths)])[ends])
        return np.fromiter(chain.from_iterable(found), dtype=np.int64, count=int(lengths.sum())), counts

    def _rows_of(self, token: str) -> tuple[int, ...]:
        """Return the row of a known word, or the rows of the longest parts of an unknown word from left to right."""
        rows, word = self._rows, normalize_word(token)
        if word in rows:
            return (rows[word],)
        unspaced = _UNSPACED.search(word) is not None
        size, fewest, longest = (
            (BEGINNING_UNSPACED, 1, LONGEST_UNSPACED) if unspaced else (FEWEST_LETTERS, FEWEST_LETTERS, LONGEST_WORD)
        )
        found, start, stop, reach = [], 0, len(word) - fewest, self._reach
        while start <= stop:
            # The beginning of a word of one letter is shorter than `size`, so `reach` may lack it.
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
