"""langdetect (Nakatani Shuyo's language-detection) with its 54 languages, made fast and deterministic.

langdetect draws n-grams of a text at random until one language has nearly all the probability. This is slow, and
without a seed the result for a short text changes from call to call. This module reads the profiles of langdetect
(frequencies of 1- to 3-grams) into an array, uses all n-grams of a text, and scores many texts at once. It uses no
random numbers and no global state of langdetect.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.detectors.lookup import KeyIndex, Keys, ngram_keys, sum_rows
from spacy_xlt.detectors.scoring import Scores, ScoringDetector
from spacy_xlt.detectors.scripts import to_codepoints
from spacy_xlt.languages import base_code

# The frequency of an n-gram that is not in a profile, as in langdetect.
SMALLEST_FREQUENCY = 0.5 / 10_000
_BASE = 1 << 16
_LONGEST = 3
_SPACE = ord(" ")


@dataclass(frozen=True)
class Profiles:
    """The n-gram profiles of all languages.

    Attributes:
        languages: The base codes, sorted.
        index: The rows of the n-grams.
        weights: The logarithm of the frequencies, `[n-grams, languages]`.
    """

    languages: tuple[str, ...]
    index: KeyIndex
    weights: NDArray[np.float32]


@lru_cache(maxsize=1)
def read_profiles() -> Profiles:
    """Read the profiles of langdetect, once per process. Profiles with one base code (zh-cn, zh-tw) are averaged."""
    import langdetect

    folder = Path(langdetect.__file__).parent / "profiles"
    profiles = [json.loads(path.read_text(encoding="utf8")) for path in sorted(folder.iterdir()) if path.is_file()]
    codes = [base_code(profile["name"]) for profile in profiles]
    languages = tuple(sorted(set(codes)))
    keys_of = [_keys(profile["freq"]) for profile in profiles]
    keys = np.unique(np.concatenate(keys_of))
    weights = np.empty((len(keys), len(languages)), dtype=np.float32)
    for column, language in enumerate(languages):
        frequencies = np.zeros(len(keys), dtype=np.float64)
        for code, profile, own in zip(codes, profiles, keys_of):
            if code == language:
                totals = np.array(profile["n_words"], dtype=np.float64)[[len(gram) - 1 for gram in profile["freq"]]]
                counts = np.fromiter(profile["freq"].values(), dtype=np.float64)
                frequencies[np.searchsorted(keys, own)] += counts / (codes.count(code) * totals)
        weights[:, column] = np.log(frequencies + SMALLEST_FREQUENCY)
    return Profiles(languages, KeyIndex(keys), weights)


def _keys(grams: Collection[str]) -> Keys:
    """Return the key of each n-gram: a number whose digits are its characters."""
    digits = to_codepoints("".join(gram.rjust(_LONGEST, "\0") for gram in grams)).reshape(-1, _LONGEST)
    return digits.astype(np.uint64) @ np.array([_BASE**2, _BASE, 1], dtype=np.uint64)


@lru_cache(maxsize=1)
def _symbols() -> NDArray[np.uint64]:
    """Return the symbol of each character, as in langdetect: one for all kana, a space for all non-letters."""
    from langdetect.utils.ngram import NGram

    symbols = np.full(_BASE + 1, _SPACE, dtype=np.uint64)  # The last entry is for characters above U+FFFF.
    for code in range(_BASE):
        if not 0xD800 <= code < 0xE000:
            symbols[code] = ord(NGram.normalize(chr(code)))
    return symbols


@lru_cache(maxsize=1)
def _is_upper() -> NDArray[np.bool_]:
    return np.array([chr(code).isupper() for code in range(_BASE)])


@lru_cache(maxsize=4)
def _weights(languages: tuple[str, ...]) -> NDArray[np.float32]:
    """Return the weights of some languages as a contiguous array."""
    profiles = read_profiles()
    if languages == profiles.languages:
        return profiles.weights
    return np.ascontiguousarray(profiles.weights[:, [profiles.languages.index(code) for code in languages]])


class LangDetect(ScoringDetector):
    """Detect 54 languages with the profiles of langdetect. Registered as `spacy-xlt.LangDetect.v1`.

    langdetect is part of the core install.
    """

    name = "langdetect"

    @property
    def languages(self) -> Sequence[str]:
        """See `ScoringDetector.languages`."""
        return read_profiles().languages

    def score(self, texts: Sequence[str], languages: tuple[str, ...]) -> Scores:
        """See `ScoringDetector.score`."""
        profiles = read_profiles()
        symbols, owners = _read_symbols(texts)
        keys = ngram_keys(symbols, _LONGEST, _BASE)
        space = symbols == _SPACE
        keys[space, 0] = 0
        keys[1:, 2][space[:-1]] = 0  # An n-gram has no space inside.
        # The first symbol of a text is a space. It must not end an n-gram of the text before.
        keys[np.diff(owners, prepend=-1) > 0] = 0
        if (upper := _is_upper()[symbols]).any():
            keys[1:][upper[1:] & upper[:-1]] = 0  # Two capitals in a row belong to an abbreviation.
        rows = profiles.index.find(keys.ravel())
        known = rows >= 0
        return sum_rows(_weights(languages), rows[known], np.repeat(owners, _LONGEST)[known], len(texts))


def _read_symbols(texts: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the symbols of all texts, and the index of the text of each symbol.

    There is one space at the beginning and the end of each text, and one between words.
    """
    codepoints = to_codepoints("".join(f" {text} " for text in texts))
    owners = np.repeat(np.arange(len(texts)), [len(text) + 2 for text in texts])
    symbols = _symbols()[np.minimum(codepoints, _BASE)]
    space = symbols == _SPACE
    kept = np.ones(len(symbols), dtype=bool)
    kept[1:] = ~(space[1:] & space[:-1]) | (owners[1:] > owners[:-1])
    return symbols[kept], owners[kept]
