"""The default detector: langdetect (Nakatani Shuyo's language-detection), 55 languages, made fast and deterministic.

langdetect draws n-grams of a text at random until one language has all the probability: slow, and unseeded it flips
short texts. Here its profiles (frequencies of 1- to 3-grams) are read once into an array, all n-grams of a text count,
and many texts are scored at once; no random numbers, no global state of langdetect is read or written.
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

# As in langdetect: an n-gram that a profile lacks has this frequency there.
SMALLEST_FREQUENCY = 0.5 / 10_000
_BASE = 1 << 16
_LONGEST = 3
_SPACE = ord(" ")


@dataclass(frozen=True)
class Profiles:
    """languages: base codes, sorted. index: of the n-grams. weights: n-grams x languages, log frequencies."""

    languages: tuple[str, ...]
    index: KeyIndex
    weights: NDArray[np.float32]


@lru_cache(maxsize=1)
def read_profiles() -> Profiles:
    """langdetect's profiles, read once a process. Profiles of one base code (zh-cn, zh-tw) are averaged."""
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
    """The number of each n-gram, whose digits are its characters."""
    digits = to_codepoints("".join(gram.rjust(_LONGEST, "\0") for gram in grams)).reshape(-1, _LONGEST)
    return digits.astype(np.uint64) @ np.array([_BASE**2, _BASE, 1], dtype=np.uint64)


@lru_cache(maxsize=1)
def _symbols() -> NDArray[np.uint64]:
    """The symbol that langdetect puts for each character: all kana are one, all that is no letter is a space."""
    from langdetect.utils.ngram import NGram

    symbols = np.full(_BASE + 1, _SPACE, dtype=np.uint64)  # the last: whatever is beyond U+FFFF
    for code in range(_BASE):
        if not 0xD800 <= code < 0xE000:
            symbols[code] = ord(NGram.normalize(chr(code)))
    return symbols


@lru_cache(maxsize=1)
def _is_upper() -> NDArray[np.bool_]:
    return np.array([chr(code).isupper() for code in range(_BASE)])


@lru_cache(maxsize=4)
def _weights(languages: tuple[str, ...]) -> NDArray[np.float32]:
    """The columns of some languages, contiguous."""
    profiles = read_profiles()
    if languages == profiles.languages:
        return profiles.weights
    return np.ascontiguousarray(profiles.weights[:, [profiles.languages.index(code) for code in languages]])


class LangDetect(ScoringDetector):
    """`spacy-xlt.LangDetect.v1`: always there, 54 languages, the profiles of langdetect."""

    name = "langdetect"

    @property
    def languages(self) -> Sequence[str]:
        return read_profiles().languages

    def score(self, texts: Sequence[str], languages: tuple[str, ...]) -> Scores:
        profiles = read_profiles()
        symbols, owners = _read_symbols(texts)
        keys = ngram_keys(symbols, _LONGEST, _BASE)
        space = symbols == _SPACE
        keys[space, 0] = 0
        keys[1:, 2][space[:-1]] = 0  # no n-gram has a space inside
        # The first symbol of a text is a space, which ends no n-gram of the text before.
        keys[np.diff(owners, prepend=-1) > 0] = 0
        if (upper := _is_upper()[symbols]).any():
            keys[1:][upper[1:] & upper[:-1]] = 0  # abbreviations
        rows = profiles.index.find(keys.ravel())
        known = rows >= 0
        return sum_rows(_weights(languages), rows[known], np.repeat(owners, _LONGEST)[known], len(texts))


def _read_symbols(texts: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The symbols of all texts, a space around each text and one between words, and the number of the text of each."""
    codepoints = to_codepoints("".join(f" {text} " for text in texts))
    owners = np.repeat(np.arange(len(texts)), [len(text) + 2 for text in texts])
    symbols = _symbols()[np.minimum(codepoints, _BASE)]
    space = symbols == _SPACE
    kept = np.ones(len(symbols), dtype=bool)
    kept[1:] = ~(space[1:] & space[:-1]) | (owners[1:] > owners[:-1])
    return symbols[kept], owners[kept]
