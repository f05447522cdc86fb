"""Split texts into the units of a dictionary: words, or characters where a script has no spaces between words."""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

# Scripts without spaces between words: Thai and Lao, Burmese, Khmer, Tai Le to Tai Tham, Balinese, Kana, Han, Javanese,
# Cham. Tibetan needs no entry, because a tsheg ends each of its syllables.
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u1aaf\u1b00-\u1b7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua980-\ua9ff\uaa00-\uaa7f\uf900-\ufaff\U00020000-\U0003ffff]"
)
_RUN = re.compile(r"\S+")
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2018\u2019\u02bb\u02bc\u02b9\u0060\u00b4\ua78c", "'"))
# The tatweel and vowel points of Arabic, which most texts leave out.
_POINTS = re.compile("[\u0640\u064b-\u0652\u0670]")
_ACCENTS = re.compile("[\u0300-\u036f]")


class Unit(NamedTuple):
    """A unit of a text: its key in a dictionary, and where it is in the text."""

    key: str
    start: int
    end: int


def normalize(text: str) -> str:
    """Return a text in the form that `split_units` takes: NFKC, one kind of apostrophe, no Arabic vowel points."""
    return unicodedata.normalize("NFKC", _POINTS.sub("", text).translate(_APOSTROPHES))


def split_units(text: str) -> list[Unit]:
    """Split a normalized text into units.

    A unit is a word without the punctuation around it. In a script without spaces between words it is a character with
    the marks that follow it, and in Tibetan a syllable. Punctuation is not part of any unit.
    """
    units = []
    for run in _RUN.finditer(text):
        token, offset = run.group(), run.start()
        if token.isascii() and token.isalnum():
            units.append(Unit(token.lower(), offset, run.end()))
            continue
        for start, end in _words(token):
            if UNSPACED.search(token, start, end):
                units += [
                    Unit(token[a:b].casefold(), offset + a, offset + b) for a, b in _characters(token, start, end)
                ]
            else:
                units.append(Unit(token[start:end].casefold(), offset + start, offset + end))
    return units


def without_accents(key: str) -> str:
    """Return a key without accents. The marks of other scripts, such as vowel signs, are kept."""
    if key.isascii():
        return key
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", key)))


def _words(token: str) -> list[tuple[int, int]]:
    """The words of a token between spaces. An apostrophe or a hyphen inside a word belongs to it."""
    words: list[tuple[int, int]] = []
    start, end = -1, -1
    for place, character in enumerate(token):
        if _in_word(character):
            if start < 0:
                start = place
            end = place + 1
        elif start >= 0 and not (character in "'-\u200c\u200d" and place + 1 < len(token)):
            words.append((start, end))
            start = -1
    if start >= 0:
        words.append((start, end))
    return words


def _characters(token: str, start: int, end: int) -> list[tuple[int, int]]:
    """The characters of a word, each with the marks that follow it."""
    starts = [place for place in range(start, end) if place == start or not _is_mark(token[place])]
    return list(zip(starts, [*starts[1:], end]))


@lru_cache(maxsize=100_000)
def _in_word(character: str) -> bool:
    # Vowel signs of Indian scripts are marks and not letters.
    return character.isalnum() or _is_mark(character)


@lru_cache(maxsize=100_000)
def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "M"
