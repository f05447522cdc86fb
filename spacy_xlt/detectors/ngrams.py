"""A light model of our own: 1- to 5-grams of 60 languages in 3 MB, best on single words and word pairs.

Built by benchmarks/langdetect_ngrams.py from the n-gram frequencies of lingua (Peter M. Stahl, Apache-2.0), see
NOTICE beside this file. The file holds for 370,000 n-grams the weights of the languages that have them; a text's score
is their sum, in whole numbers, so it is the same on every machine.
"""

import io
import lzma
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.detectors.lookup import KeyIndex, ngram_keys, sum_rows
from spacy_xlt.detectors.scoring import Scores, ScoringDetector
from spacy_xlt.detectors.scripts import to_codepoints

FILE = Path(__file__).parent / "ngrams.npz.xz"
# A symbol is the number of a letter.
BASE = 1 << 12
LONGEST = 5
# What a weight of 1 means in nats.
UNIT = 0.125


@dataclass(frozen=True)
class Model:
    """languages: base codes, sorted. symbols: of each codepoint up to U+FFFF, 0 for none, one row more for the rest.
    index: of the n-grams. weights: n-grams x languages, in UNITs."""

    languages: tuple[str, ...]
    symbols: NDArray[np.uint64]
    index: KeyIndex
    weights: NDArray[np.uint8]


@lru_cache(maxsize=1)
def read_model() -> Model:
    """The model, read once a process."""
    with np.load(io.BytesIO(lzma.decompress(FILE.read_bytes())), allow_pickle=False) as arrays:
        languages = arrays["languages"].tolist()
        symbols = np.zeros(0x10001, dtype=np.uint64)
        symbols[arrays["characters"]] = arrays["symbols"]
        keys = np.cumsum(arrays["steps"], dtype=np.uint64)
        weights = np.zeros((len(keys), len(languages)), dtype=np.uint8)
        weights[np.repeat(np.arange(len(keys)), arrays["lengths"]), arrays["owners"]] = arrays["weights"]
    order = np.argsort(languages)
    names = tuple(languages[column] for column in order)
    return Model(names, symbols, KeyIndex(keys), np.ascontiguousarray(weights[:, order]))


@lru_cache(maxsize=2)
def _weights(languages: tuple[str, ...]) -> NDArray[np.uint8]:
    """The columns of some languages, contiguous."""
    model = read_model()
    if languages == model.languages:
        return model.weights
    return np.ascontiguousarray(model.weights[:, [model.languages.index(code) for code in languages]])


class NGrams(ScoringDetector):
    """`spacy-xlt.NGrams.v1`: nothing to install, 60 languages (a few more by their script), fast."""

    name = "ngrams"

    @property
    def languages(self) -> Sequence[str]:
        return read_model().languages

    def score(self, texts: Sequence[str], languages: tuple[str, ...]) -> Scores:
        model = read_model()
        lowered = [text.lower() for text in texts]
        symbols = model.symbols[np.minimum(to_codepoints(" ".join(lowered)), 0x10000)]
        owners = np.repeat(np.arange(len(texts)), [len(text) + 1 for text in lowered])[: len(symbols)]
        rows = model.index.find(ngram_keys(symbols, LONGEST, BASE).ravel())
        known = rows >= 0
        return sum_rows(_weights(languages), rows[known], np.repeat(owners, LONGEST)[known], len(texts)) * UNIT
