"""Translate sentences word by word with a bilingual dictionary."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Optional

import numpy as np

# Words of a dictionary entry, at most.
LONGEST = 5
# A sentence is used if at least this share of its words is translated.
SHARE = 0.5
# Endings of inflected English words.
ENDINGS = ("s", "es", "ed", "d", "ing", "'s")
_WORDS = re.compile(r"\w+(?:['’]\w+)*")


def translate_words(
    sentences: Iterable[str], entries: Iterable[tuple[str, str]], *, seed: int = 0
) -> list[tuple[str, str]]:
    """Return sentences with word-by-word translations that keep the order of the words.

    The longest entry that fits is used. If a word is not in the dictionary, it is looked up without its ending. Other
    words in lower case are left out, because an encoder would understand the translation by them. Names, numbers and
    punctuation stay as they are.

    Args:
        sentences: Sentences in the source language of the dictionary.
        entries: Source words or phrases and their translations. One of several translations is drawn.
        seed: Of the draws.

    Returns:
        (sentence, its translation), without the sentences of which less than half of the words are translated.

    Example:
        >>> translate_words(["The dogs sleep."], [("dog", "mbwa"), ("sleep", "lala"), ("the", "")])
        [('The dogs sleep.', 'The mbwa lala.')]
    """
    dictionary: dict[str, list[str]] = {}
    for ours, theirs in entries:
        if ours.strip() and theirs.strip():
            dictionary.setdefault(" ".join(_WORDS.findall(ours.lower())), []).append(theirs.strip())
    dictionary.pop("", None)
    chance = np.random.default_rng(seed)
    found = []
    for sentence in sentences:
        words = list(_WORDS.finditer(sentence))
        parts, end, translated, place = [], 0, 0, 0
        while place < len(words):
            length, translations = _longest_entry([word.group() for word in words[place : place + LONGEST]], dictionary)
            if translations or words[place].group().islower():
                word = translations[chance.integers(len(translations))] if translations else ""
                parts += [sentence[end : words[place].start()], word]
                end = words[place + length - 1].end()
            translated += length if translations else 0
            place += length
        if words and translated >= SHARE * len(words):
            found.append((sentence, " ".join("".join([*parts, sentence[end:]]).split())))
    return found


def _longest_entry(words: Sequence[str], dictionary: Mapping[str, list[str]]) -> tuple[int, Optional[list[str]]]:
    """Return the number of words of the longest entry that they begin with, and its translations."""
    lowered = [word.lower() for word in words]
    for length in range(len(lowered), 0, -1):
        translations = dictionary.get(" ".join(lowered[:length]))
        if translations:
            return length, translations
    for ending in ENDINGS:
        if lowered[0].endswith(ending) and lowered[0].removesuffix(ending) in dictionary:
            return 1, dictionary[lowered[0].removesuffix(ending)]
    return 1, None
