"""Parallel sentences and dictionaries of several languages: reading, checking, and holding out a part of them."""

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Optional, Union

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.data.dictionaries import read_dictionary
from spacy_xlt.data.parallel import read_pairs
from spacy_xlt.data.paths import PathLike
from spacy_xlt.data.records import Record
from spacy_xlt.detectors.detect import detect
from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.errors import XltError, XltWarning
from spacy_xlt.languages import UNKNOWN, base_code, by_base_code, find_language, name
from spacy_xlt.pipeline.projection import Translations

# A file, or pairs of a source text and its translation.
PairsData = Union[PathLike, Translations]

# About one source text in `EVERY` is held out, and of each language at most `MOST` of its translations are.
EVERY, MOST = 20, 200
# Texts of a side whose language is detected, and the words of a dictionary that make one text.
CHECKED, WORDS = 50, 10
# With fewer texts, nothing is concluded from detected languages or cosines.
FEWEST = 20
# Translations must be nearer to their sources than to other sources by this many standard errors.
STANDARD_ERRORS = 3.0


@dataclass(frozen=True)
class ParallelTexts:
    """Translations by language.

    Attributes:
        pairs: {language: [(source sentence, its translation)]}.
        entries: {language: [(source word or phrase, its translation)]}.
    """

    pairs: dict[str, list[tuple[str, str]]]
    entries: dict[str, list[tuple[str, str]]]

    @property
    def languages(self) -> list[str]:
        """The languages of the translations, sorted."""
        return sorted({*self.pairs, *self.entries})

    def of(self, language: str) -> list[tuple[str, str]]:
        """Return all pairs and entries of a language."""
        return [*self.pairs.get(language, ()), *self.entries.get(language, ())]

    def records(self, source: str) -> list[Record]:
        """Return both sides of all translations, for a fingerprint of the data."""
        return [
            Record(text, (), code, "pairs")
            for language in self.languages
            for pair in self.of(language)
            for text, code in zip(pair, (source, language))
        ]

    def split(self) -> tuple["ParallelTexts", dict[str, list[tuple[str, str]]]]:
        """Hold out about one source text in `EVERY`, the same ones in all languages.

        Returns:
            The translations to learn from, and {language: held-out translations}. These are sentences; of a language
            with a dictionary only, they are entries of it.
        """
        kept = ParallelTexts(
            {code: [pair for pair in of if not is_held_out(pair[0])] for code, of in self.pairs.items()},
            {code: [pair for pair in of if not is_held_out(pair[0])] for code, of in self.entries.items()},
        )
        held_out = {}
        for language in self.languages:
            of_language = self.pairs.get(language) or self.entries[language]
            held_out[language] = [pair for pair in of_language if is_held_out(pair[0])][:MOST]
        return kept, {code: of for code, of in held_out.items() if of}


def read_parallel_texts(
    pairs: Mapping[str, PairsData], dictionaries: Mapping[str, PairsData], source: str, encoding: Optional[str] = None
) -> ParallelTexts:
    """Read translations from files or lists.

    Args:
        pairs: {language: a file with a source sentence, a tab and its translation per line, or a list of pairs}.
        dictionaries: {language: a file that `read_dictionary` takes, or a list of pairs}.
        source: The source language.
        encoding: The encoding of files without a byte-order mark; None: UTF-8.

    Raises:
        XltError: There are no translations, a language is unknown or is the source, or a file cannot be read.
    """
    found = ParallelTexts(
        {code: _read(of, False, encoding) for code, of in by_base_code(pairs, find_language).items()},
        {code: _read(of, True, encoding) for code, of in by_base_code(dictionaries, find_language).items()},
    )
    if not found.languages:
        raise XltError("There is nothing to learn from. Give parallel sentences or a dictionary.")
    if source in found.languages:
        raise XltError(f"'{source}' is the source language. Give translations from it into another language.")
    for language in found.languages:
        if not found.of(language):
            raise XltError(f"There is no translation into '{language}'. Give some, or leave the language out.")
    return found


def _read(data: PairsData, is_dictionary: bool, encoding: Optional[str]) -> list[tuple[str, str]]:
    if isinstance(data, (str, os.PathLike)):
        if not is_dictionary:
            return list(dict.fromkeys(read_pairs(data, encoding=encoding)))
        words = read_dictionary(data, encoding=encoding)
        if words.skipped.count:
            warnings.warn(
                f"{words.skipped.count} lines of {data} were left out (first: {words.skipped.first}).",
                XltWarning,
                stacklevel=4,
            )
        return words.pairs
    return list(dict.fromkeys((str(ours), str(theirs)) for ours, theirs in data if ours.strip() and theirs.strip()))


def is_held_out(text: str) -> bool:
    """Return whether a source text is held out. Its hash decides, so the answer is the same in all languages."""
    digest = blake2b(text.casefold().encode("utf8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % EVERY == 0


def check_sides(texts: ParallelTexts, source: str) -> list[str]:
    """Check that the sides of translations are in the languages that the data say.

    Args:
        texts: The translations.
        source: The source language.

    Returns:
        Warnings about languages whose translations look like another language.

    Raises:
        XltError: The sides of a language are swapped, or its translations are in the source language.
    """
    notes = []
    for language in texts.languages:
        for what, of_language, words in (
            ("sentences", texts.pairs.get(language, []), 1),
            ("entries of the dictionary", texts.entries.get(language, []), WORDS),
        ):
            if len(of_language) < FEWEST * words:
                continue
            ours, theirs = (most_frequent_language(side, words) for side in zip(*of_language))
            where = f"'{language}': most source sides of the {what}"
            # Both sides can look like the language: glosses keep the words that the dictionary does not have.
            if (ours == language and theirs != language) or (theirs == source and ours not in (source, UNKNOWN)):
                raise XltError(
                    f"{where} look like {_named(ours)}, and most translations look like {_named(theirs)}. The source "
                    f"must be {_named(source)}. Swap the sides."
                )
            if theirs == source:
                raise XltError(
                    f"'{language}': most translations of the {what} look like {_named(source)}, the source language. "
                    "Check the file."
                )
            if theirs not in (language, UNKNOWN):
                notes.append(
                    f"'{language}': most translations of the {what} look like {_named(theirs)}. Check the file."
                )
            if ours not in (source, UNKNOWN):
                notes.append(f"{where} look like {_named(ours)}, not {_named(source)}. Check the file.")
    return notes


def most_frequent_language(texts: Sequence[str], words: int = 1) -> str:
    """Return the language of more than half of the texts, or `xx` if there is none.

    Args:
        texts: The texts.
        words: How many of them, such as entries of a dictionary, are read as one text.
    """
    step = max(1, len(texts) // (CHECKED * words))
    spread = [*texts][::step][: CHECKED * words]
    joined = [" ".join(spread[start : start + words]) for start in range(0, len(spread), words)]
    detected = [base_code(found.language) for found in detect(joined)]
    found = max(sorted(set(detected)), key=detected.count)
    return found if detected.count(found) > len(detected) / 2 else UNKNOWN


def check_translations_match(language: str, sources: Floats2d, translations: Floats2d) -> Optional[str]:
    """Return a warning if translations are no nearer to their sources than to other sources.

    Args:
        language: The language of the translations.
        sources: The vectors of the sources, [n, width].
        translations: The vectors of their translations, in the same order, [n, width].
    """
    if len(sources) < FEWEST:
        return None
    cosines = translations @ sources.T
    own = np.diagonal(cosines)
    gains: NDArray[np.floating] = own - (cosines.sum(axis=1) - own) / (len(own) - 1)
    if gains.mean() > STANDARD_ERRORS * gains.std() / np.sqrt(len(gains)):
        return None
    return (
        f"'{language}': the translations do not look like those of their sources: the mean cosine is {own.mean():.3f}, "
        f"and {own.mean() - gains.mean():.3f} to other sources. Check that each line has its own translation."
    )


def _named(language: str) -> str:
    return f"{name(language)} ({language})"
