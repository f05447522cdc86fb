"""Learn a dictionary from parallel sentences."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.base import Integers
from spacy_xlt.data.dictionaries import WordPair
from spacy_xlt.translators.units import normalize, split_units

# More sentences are not read: these of 25 words take 8 seconds and 1.5 GB.
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
    # The probability of a source word given a word, and the other way around.
    score = _probabilities(links.pair, links.word, links.source_place) * _probabilities(
        links.pair, links.source, links.word_place
    )
    source, word = links.of_pairs()
    count = len(sources.sentences)
    good = (
        (score >= LEAST)
        & (words.frequencies[word] >= FEWEST)
        & (sources.frequencies[source] <= max(FREQUENT * count, FEWEST))
    )
    best: dict[int, int] = {}
    # Of two equally good source words, the rarer one says more.
    for place in np.flatnonzero(good)[np.lexsort((sources.frequencies[source[good]], -score[good]))]:
        best.setdefault(int(word[place]), int(source[place]))
    return [(sources.keys[ours], words.keys[theirs]) for theirs, ours in sorted(best.items())]


class _Side:
    """The words of one side of parallel sentences: their keys, the numbers of the words of each sentence."""

    def __init__(self, texts: Sequence[str]) -> None:
        numbers: dict[str, int] = {}
        self.sentences: list[Integers] = []
        for text in texts:
            found = {numbers.setdefault(unit.key, len(numbers)) for unit in split_units(normalize(text))}
            self.sentences.append(np.array(sorted(found), dtype=np.int64))
        self.keys = list(numbers)
        flat = np.concatenate(self.sentences) if self.sentences else np.empty(0, dtype=np.int64)
        # The number of sentences that have each word.
        self.frequencies: Integers = np.bincount(flat, minlength=len(numbers))


class _Links(NamedTuple):
    """All pairs of a source word and a word in the same sentences.

    Attributes:
        source: The source word of each link.
        word: The word of each link.
        source_place: The place of the source word: a number for each source word of each sentence.
        word_place: The place of the word.
        pair: The number of the pair of words, equal in all sentences.
    """

    source: Integers
    word: Integers
    source_place: Integers
    word_place: Integers
    pair: Integers

    def of_pairs(self) -> tuple[Integers, Integers]:
        """Return the source word and the word of each pair."""
        _, first = np.unique(self.pair, return_index=True)
        return self.source[first], self.word[first]


def _links(sources: _Side, words: _Side) -> _Links:
    columns: list[list[Integers]] = [[np.empty(0, dtype=np.int64)] for _ in range(4)]
    source_places = word_places = 0
    for ours, theirs in zip(sources.sentences, words.sentences):
        at_source = np.arange(source_places, source_places + len(ours))
        at_word = np.arange(word_places, word_places + len(theirs))
        for column, values in zip(
            columns,
            (
                np.repeat(ours, len(theirs)),
                np.tile(theirs, len(ours)),
                np.repeat(at_source, len(theirs)),
                np.tile(at_word, len(ours)),
            ),
        ):
            column.append(values)
        source_places, word_places = source_places + len(ours), word_places + len(theirs)
    source, word, source_place, word_place = (np.concatenate(column) for column in columns)
    _, pair = np.unique(source * max(len(words.keys), 1) + word, return_inverse=True)
    return _Links(source, word, source_place, word_place, pair)


def _probabilities(pair: Integers, given: Integers, place: Integers) -> Floats:
    """Return the probability of the other word of each pair, given one word, after some iterations of EM.

    Args:
        pair: The pair of each link.
        given: The given word of each link.
        place: The place of the other word, which one of the given words of the sentence explains.
    """
    if not len(pair):
        return np.empty(0)
    _, first = np.unique(pair, return_index=True)
    of_pair = given[first]
    found = np.ones(len(first))
    for _ in range(ITERATIONS):
        weights = found[pair]
        # The expectation: how much of each place each link explains.
        weights /= np.bincount(place, weights)[place]
        counts = np.bincount(pair, weights)
        found = counts / np.bincount(of_pair, counts)[of_pair]
    return found
