"""Build spacy_xlt/detectors/ngrams.npz.xz from the n-gram models of lingua (Apache-2.0).

    pip download --no-deps "lingua-language-detector==1.4.2"; pip install brotli
    python benchmarks/langdetect_ngrams.py lingua_language_detector-1.4.2-py3-none-any.whl

lingua's wheels before 2.0 hold, for each language, the frequency of each character after its predecessors, for 1- to
5-grams inside words. Here they are interpolated (P_n = (1 - a) P_(n-1) + a * frequency), the gain of each order over
the one below it becomes a weight, and of each language the n-grams that say most for or against it are kept. A text's
score is then a sum of weights: the log-probability of an interpolated 5-gram model, pruned. No text is used, so nothing
is fitted here; ADVANTAGE, KEPT and ORDER_WEIGHTS were chosen on words of SIB-200 train and dev and of NTREX.
"""

import argparse
import io
import json
import lzma
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.detectors.lookup import KeyIndex
from spacy_xlt.detectors.ngrams import BASE, FILE, UNIT
from spacy_xlt.detectors.scripts import to_codepoints
from spacy_xlt.languages import base_code

ORDERS = ("unigrams", "bigrams", "trigrams", "quadrigrams", "fivegrams")
SCRIPTS = {
    "Latin": "af az bs ca cs cy da de en eo es et eu fi fr ga hr hu id is it la lg lt lv mi ms nb nl nn pl pt ro sk sl "
    "sn so sq st sv sw tl tn tr ts vi xh yo zu",
    "Cyrillic": "be bg kk mk mn ru sr uk",
    "Arabic": "ar fa ur",
    "Devanagari": "hi mr",
}
ADVANTAGE = 0.9  # the share of the longer n-gram in the interpolation
KEPT = 20_000  # n-grams of each language
RAREST = 2e-7  # an n-gram's share of all of its length, below which it is noise
ORDER_WEIGHTS = (1.0, 1.0, 1.0, 0.8, 0.8)  # long n-grams overlap more
FLOOR = 1e-7  # the probability of a character that a language does not have

Keys = NDArray[np.uint64]
Floats = NDArray[np.float64]


def read_model(wheel: zipfile.ZipFile, code: str) -> list[tuple[list[str], Floats]]:
    """The n-grams of each order with the frequency of the last character after the others."""
    import brotli

    found = []
    for order, name in enumerate(ORDERS, start=1):
        content = wheel.read(f"lingua/language-models/{code}/{name}.json.br")
        grams: list[str] = []
        values: list[float] = []
        for fraction, joined in json.loads(brotli.decompress(content))["ngrams"].items():
            numerator, denominator = map(int, fraction.split("/"))
            same = [gram for gram in joined.split(" ") if len(gram) == order]
            grams += same
            values += [numerator / denominator] * len(same)
        found.append((grams, np.array(values)))
    return found


def symbols_of(models: dict[str, list[tuple[list[str], Floats]]]) -> NDArray[np.uint64]:
    """A table from codepoint to symbol: the number of the letter, from 1 on."""
    letters = sorted({ord(gram) for model in models.values() for gram in model[0][0] if ord(gram) < 0x10000})
    assert len(letters) < BASE
    table = np.zeros(0x10001, dtype=np.uint64)
    table[letters] = np.arange(1, len(letters) + 1)
    return table


def gram_keys(grams: list[str], order: int, table: NDArray[np.uint64]) -> Keys:
    """The key of each n-gram, 0 where a character has no symbol."""
    symbols = table[np.minimum(to_codepoints("".join(grams)), 0x10000)].reshape(len(grams), order)
    keys = np.zeros(len(grams), dtype=np.uint64)
    for column in range(order):
        keys = keys * np.uint64(BASE) + symbols[:, column]
    keys[(symbols == 0).any(axis=1)] = 0
    return keys


class LanguageModel:
    """An interpolated model of one language: for each order sorted keys, probabilities, and shares of all n-grams."""

    def __init__(self, model: list[tuple[list[str], Floats]], table: NDArray[np.uint64]) -> None:
        self.keys: list[Keys] = []
        self.indices: list[KeyIndex] = []
        self.probabilities: list[Floats] = []
        self.shares: list[Floats] = []
        self.gains: list[Floats] = []
        for order, (grams, frequencies) in enumerate(model, start=1):
            keys = gram_keys(grams, order, table)
            order_by_key = np.argsort(keys)
            order_by_key = order_by_key[keys[order_by_key] > 0]
            keys, frequencies = keys[order_by_key], frequencies[order_by_key]
            lower = self.probability(keys % np.uint64(BASE ** (order - 1)), order - 1)
            if order == 1:
                probabilities, shares = FLOOR + frequencies, frequencies
            else:
                probabilities = (1 - ADVANTAGE) * lower + ADVANTAGE * frequencies
                shares = frequencies * self._look_up(self.shares, keys // np.uint64(BASE), order - 1, 0.0)
            self.keys.append(keys)
            self.indices.append(KeyIndex(keys))
            self.probabilities.append(probabilities)
            self.shares.append(shares)
            # Where a language lacks an n-gram, P_n = (1 - a) P_(n-1): the weight says how much better this one does.
            missing = 0.0 if order == 1 else np.log(1 - ADVANTAGE)
            self.gains.append(np.log(probabilities / lower) - missing)

    def probability(self, keys: Keys, order: int) -> Floats:
        """Of the last character after the others, as far down the orders as it must go."""
        if order == 0:
            return np.full(len(keys), FLOOR)
        rows = self.indices[order - 1].find(keys)
        found = self.probabilities[order - 1][rows]
        unknown = rows < 0
        if unknown.any():
            below = self.probability(keys[unknown] % np.uint64(BASE ** (order - 1)), order - 1)
            if order > 1:
                seen = self.indices[order - 2].find(keys[unknown] // np.uint64(BASE)) >= 0
                below = np.where(seen, (1 - ADVANTAGE) * below, below)
            found[unknown] = below
        return found

    def _look_up(self, values: list[Floats], keys: Keys, order: int, default: float) -> Floats:
        rows = self.indices[order - 1].find(keys)
        return np.where(rows >= 0, values[order - 1][rows], default)


def build(wheel: zipfile.ZipFile) -> dict[str, NDArray]:
    """The arrays of the file, see ngrams.py."""
    codes = sorted(code for group in SCRIPTS.values() for code in group.split())
    raw = {code: read_model(wheel, code) for code in codes}
    table = symbols_of(raw)
    keys, weights, shares, owners = [], [], [], []
    for number, code in enumerate(codes):
        model = LanguageModel(raw.pop(code), table)
        for order in range(len(model.keys)):
            frequent = model.shares[order] > RAREST
            keys.append(model.keys[order][frequent])
            weights.append(model.gains[order][frequent] * ORDER_WEIGHTS[order])
            shares.append(model.shares[order][frequent])
            owners.append(np.full(int(frequent.sum()), number))
    joined = [np.concatenate(pieces) for pieces in (keys, weights, shares, owners)]
    return prune(codes, table, *joined)  # type: ignore[arg-type]


def prune(
    codes: list[str], table: NDArray[np.uint64], keys: Keys, weights: Floats, shares: Floats, owners: NDArray[np.int64]
) -> dict[str, NDArray]:
    """Keep of each language the n-grams that say most: frequent there, and of another weight than in the others."""
    grams, places = np.unique(keys, return_inverse=True)
    group_of = [
        next(number for number, group in enumerate(SCRIPTS.values()) if code in group.split()) for code in codes
    ]
    sizes = np.bincount(group_of)
    means = np.bincount(places, weights) / sizes[np.array(group_of)[owners]][np.unique(keys, return_index=True)[1]]
    importance = shares * np.abs(weights - means[places])
    kept = np.zeros(len(grams), dtype=bool)
    for number in range(len(codes)):
        mine = np.flatnonzero(owners == number)
        kept[places[mine[np.argsort(-importance[mine], kind="stable")[:KEPT]]]] = True
    entries = np.flatnonzero(kept[places])
    entries = entries[np.lexsort((owners[entries], places[entries]))]
    languages = [base_code(code) if code != "nb" else "no" for code in codes]
    return {
        "languages": np.array(languages),
        "characters": np.flatnonzero(table).astype(np.uint32),
        "symbols": table[np.flatnonzero(table)].astype(np.uint16),
        "steps": np.diff(grams[kept], prepend=np.uint64(0)),
        "lengths": np.bincount(places[entries], minlength=len(grams))[kept].astype(np.uint8),
        "owners": owners[entries].astype(np.uint8),
        "weights": np.clip(np.round(weights[entries] / UNIT), 1, 255).astype(np.uint8),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path)
    with zipfile.ZipFile(parser.parse_args().wheel) as wheel:
        arrays = build(wheel)
    content = io.BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]
    FILE.write_bytes(lzma.compress(content.getvalue(), preset=9))
    print(
        f"{FILE}: {len(arrays['steps'])} n-grams, {len(arrays['weights'])} weights, {FILE.stat().st_size / 1e6:.1f} MB"
    )


if __name__ == "__main__":
    main()
