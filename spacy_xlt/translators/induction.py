"""Learn a dictionary from parallel sentences."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.base import Integers
from spacy_xlt.data.dictionaries import WordPair
from spacy_xlt.translators.units import normalize, split_units

# More sentences are not read: these of 25 words take 5 seconds and 1.2 GB.
MOST_SENTENCES = 20_000
ITERATIONS = 6
# A word must be in this many sentences.
FEWEST = 2
# The least product of the probabilities of both directions.
LEAST = 0.05
# Words in more than this share of the source sentences, such as articles, say nothing about a text.
FREQUENT = 0.1

Floats = NDArray[np.float64]


def induce_dictionary(pairs: Sequence[tuple[str, str]]) -> list[WordPair]:
    """Return the words that parallel sentences have in common, each with the source word that explains it best.

    Args:
        pairs: Pairs of a source sentence and its translation.

    Returns:
        Pairs of a source word and a word of the translations.

    References:
        Brown et al. (1993), "The mathematics of statistical machine translation: parameter estimation", model 1, with
        the product of both directions (Liang et al. 2006, "Alignment by agreement", equation 3).
    """
    step = -(-len(pairs) // MOST_SENTENCES) or 1
    sources, words = (_Side([pair[side] for pair in pairs[::step]]) for side in (0, 1))
    links = _links(sources, words)
    # The source word and the word of each pair.
    source, word = sources.words[links.source_place[links.first]], words.words[links.word_place[links.first]]
    # The probability of a source word given a word, and the other way around.
    score = _probabilities(links.pair, word, links.source_place) * _probabilities(links.pair, source, links.word_place)
    good = (
        (score >= LEAST)
        & (words.frequencies[word] >= FEWEST)
        & (sources.frequencies[source] <= max(FREQUENT * len(sources.lengths), FEWEST))
    )
    best: dict[int, int] = {}
    # Of two equally good source words, the rarer one says more.
    for place in np.flatnonzero(good)[np.lexsort((sources.frequencies[source[good]], -score[good]))]:
        best.setdefault(int(word[place]), int(source[place]))
    return [(sources.keys[ours], words.keys[theirs]) for theirs, ours in sorted(best.items())]


class _Side:
    """The different words of each sentence on one side of parallel sentences.

    Attributes:
        keys: The key of each word.
        words: The numbers of the words of all sentences, one sentence after the other. An index of it is a place.
        lengths: The number of places of each sentence.
        frequencies: The number of sentences that have each word.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        numbers: dict[str, int] = {}
        sentences = [
            sorted({numbers.setdefault(unit.key, len(numbers)) for unit in split_units(normalize(text))})
            for text in texts
        ]
        self.keys = list(numbers)
        self.words: Integers = np.array([number for sentence in sentences for number in sentence], dtype=np.int64)
        self.lengths = [len(sentence) for sentence in sentences]
        self.frequencies: Integers = np.bincount(self.words, minlength=len(numbers))


class _Links(NamedTuple):
    """All links between a source word and a word of the same sentences.

    Attributes:
        source_place: The place of the source word of each link.
        word_place: The place of the word of each link.
        pair: The number of the pair of words, equal in all sentences.
        first: The first link of each pair.
    """

    source_place: Integers
    word_place: Integers
    pair: Integers
    first: Integers


def _links(sources: _Side, words: _Side) -> _Links:
    source_parts, word_parts = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    source_start = word_start = 0
    for ours, theirs in zip(sources.lengths, words.lengths):
        source_parts.append(np.repeat(np.arange(source_start, source_start + ours), theirs))
        word_parts.append(np.tile(np.arange(word_start, word_start + theirs), ours))
        source_start, word_start = source_start + ours, word_start + theirs
    source_place, word_place = np.concatenate(source_parts), np.concatenate(word_parts)
    numbers = sources.words[source_place] * len(words.keys) + words.words[word_place]
    _, first, pair = np.unique(numbers, return_index=True, return_inverse=True)
    return _Links(source_place, word_place, pair, first)


def _probabilities(pair: Integers, given: Integers, place: Integers) -> Floats:
    """Return the probability of the other word of each pair, given one word, after some iterations of EM.

    Args:
        pair: The pair of each link.
        given: The given word of each pair.
        place: The place of the other word, which one of the given words of the sentence explains.
    """
    found = np.ones(len(given))
    for _ in range(ITERATIONS):
        weights = found[pair]
        # The expectation: how much of each place each link explains.
        weights /= np.bincount(place, weights)[place]
        counts = np.bincount(pair, weights)
        found = counts / np.bincount(given, counts)[given]
    return found
