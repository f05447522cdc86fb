"""Read dictionaries into a glossary, and notice those that are wrong."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional, Union

from spacy_xlt.data.dictionaries import WordPair, read_dictionary
from spacy_xlt.data.paths import PathLike
from spacy_xlt.detectors.detect import detect
from spacy_xlt.errors import XltError, XltWarning
from spacy_xlt.languages import by_base_code, find_language, name
from spacy_xlt.translators.glossary import Glossary

# A file, or pairs of an entry and a word.
DictionaryLike = Union[PathLike, Iterable[WordPair]]
# A dictionary is reported if it covers less than this share of the words of the texts. Correct dictionaries of 4,000
# entries cover .36 to .76 of the words of SIB-200.
LOWEST_COVERAGE = 0.15
# The texts that are looked up.
MAX_TEXTS = 200
# Without texts, the language of word lists is detected: this many lists of this many words.
LISTS, LENGTH = 10, 20


def read_dictionaries(
    dictionaries: Mapping[str, DictionaryLike], *, encoding: Optional[str] = None
) -> dict[str, list[WordPair]]:
    """Return the pairs (entry, word) of each dictionary by base code.

    Args:
        dictionaries: {language: dictionary}. A dictionary is a file as `read_dictionary` takes it, or a list of pairs.
        encoding: The encoding of files without a byte-order mark; None: UTF-8.

    Raises:
        XltError: A language is unknown or given twice, a file cannot be read, or a dictionary is something else.
    """
    return {
        language: _read(language, dictionary, encoding)
        for language, dictionary in by_base_code(dictionaries, find_language, join="dictionaries").items()
    }


def make_glossary(
    dictionaries: Mapping[str, Sequence[WordPair]], *, to: str, texts: Mapping[str, Sequence[str]], notes: list[str]
) -> Glossary:
    """Return a glossary with the dictionaries, after a check that they are what they should be.

    Args:
        dictionaries: {base code: pairs}, see `read_dictionaries`.
        to: The base code of the language of the entries.
        texts: {base code: texts} of some of the languages. With texts, the check is more reliable.
        notes: Warnings are appended to it.

    Raises:
        XltError: The columns of a dictionary are swapped.
    """
    glossary = Glossary()
    for language, pairs in dictionaries.items():
        glossary.add(language, pairs)
        sample = list(texts.get(language, ()))[:MAX_TEXTS]
        if sample:
            covered, swapped = glossary.coverage(sample, language), _swapped_coverage(sample, pairs)
            if covered < LOWEST_COVERAGE and swapped <= covered:
                notes.append(
                    f"The dictionary of '{language}' covers {covered:.0%} of the words of the texts. Check that it is "
                    f"a dictionary of {name(language)}."
                )
            is_swapped = swapped > covered
        else:
            is_swapped = _looks_swapped(to, pairs)
        if is_swapped:
            raise XltError(
                f"The columns of the dictionary of '{language}' are swapped. In each line, put the entry in '{to}' "
                f"before the word in '{language}'."
            )
    return glossary


def _read(language: str, dictionary: Any, encoding: Optional[str]) -> list[WordPair]:
    if isinstance(dictionary, Mapping):
        raise XltError(
            f"The dictionary of '{language}' must be a file or a list of pairs (entry, word), not a mapping."
        )
    if not hasattr(dictionary, "__fspath__") and not isinstance(dictionary, str):
        try:
            return [(str(entry), str(word)) for entry, word in dictionary]
        except (TypeError, ValueError):
            message = (
                f"The dictionary of '{language}' is neither a file nor a list of pairs (entry, word). Give one of them."
            )
            raise XltError(message) from None
    found = read_dictionary(dictionary, encoding=encoding)
    if found.skipped.count:
        warnings.warn(
            f"{found.skipped.count} lines of {dictionary} are left out (first: {found.skipped.first}).",
            XltWarning,
            stacklevel=2,
        )
    return found.pairs


def _swapped_coverage(texts: Sequence[str], pairs: Sequence[WordPair]) -> float:
    """The share of words of the texts that the other column covers."""
    swapped = Glossary()
    swapped.add("en", [(word, entry) for entry, word in pairs])
    return swapped.coverage(texts, "en")


def _looks_swapped(to: str, pairs: Sequence[WordPair]) -> bool:
    """Whether most lists of words look like the language of the entries, and most lists of entries do not."""
    step = max(1, len(pairs) // (LISTS * LENGTH))
    chosen = pairs[::step]
    shares = []
    for column in (0, 1):
        words = [pair[column] for pair in chosen]
        lists = [" ".join(words[start : start + LENGTH]) for start in range(0, len(words), LENGTH)]
        shares.append(sum(found.language == to for found in detect(lists)) / len(lists))
    return shares[0] < 0.5 < shares[1]
