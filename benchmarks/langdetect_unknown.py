"""Calibrate `spacy-xlt.NGrams.v2`: temperatures, and when a text is in none of its languages.

    pip install anyascii
    python benchmarks/langdetect_ngrams.py lingua_...whl --holdout holdout.npz
    python benchmarks/langdetect_unknown.py holdout.npz

Writes `temperatures.ngrams` and `unknown` of spacy_xlt/detectors/calibration.json, and prints what a regression that
never saw twenty languages says to them. Everything is fitted on texts that the held-out model did not see: fold 0 of
SIB-200, the dev parts of NTREX and of the Universal Declaration, validation tweets. Test files are not read.
"""

import argparse
import builtins
import json
import keyword
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from anyascii import anyascii
from langdetect_data import LANGUAGES, cut, tweets
from langdetect_ngrams import SCRIPTS, TWEETS
from languages_data import classes, is_unspaced, merged, texts
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression

from spacy_xlt.detectors import calibration, ngrams
from spacy_xlt.detectors.calibration import CLASSES, length_classes
from spacy_xlt.detectors.lookup import hash_ngrams
from spacy_xlt.detectors.ngrams import LONGEST, SPACE, answer_code, read_model, read_symbols, score
from spacy_xlt.detectors.parts import Part, split_scripts
from spacy_xlt.detectors.prepare import prepare
from spacy_xlt.detectors.scoring import softmax
from spacy_xlt.detectors.scripts import HAN, KANA, LATIN, NAMES
from spacy_xlt.detectors.unknown import LEAST_NGRAMS, Scores, unknown_features
from spacy_xlt.languages import base_code

Floats = NDArray[np.float64]

SNIPPETS = (1, 1, 2, 2, 3, 4, 5, 7, 10)  # words
RATES = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
LEFT_OUT = 20
NOISE_EACH = 400
NOISE_WORDS = (1, 1, 2, 3, 5, 10, 20)
ROMANIZED = ("ell_Grek", "hin_Deva", "arb_Arab", "rus_Cyrl", "ukr_Cyrl", "kat_Geor", "hye_Armn", "heb_Hebr", "tam_Taml")
ROMANIZED_EVERY = 8
NOISE_WEIGHT = 20.0  # beside 1 for each language
DIGITS = 4
# Without a little loss for the other answers, a class of length without an error would be taken for certain.
DOUBT = 0.001


@dataclass(frozen=True)
class Case:
    """Texts of one script with their scores: values [n, classes], and counts of n-grams: how many each class has
    (support), and as in `Scores`. gold: columns of the classes; -1 for noise."""

    names: tuple[str, ...]
    log_prior: Floats
    parts: list[Part]
    gold: NDArray[np.int64]
    values: Floats
    support: NDArray[np.int64]
    ngrams: NDArray[np.int64]
    known: NDArray[np.int64]
    lengths: NDArray[np.int64]

    def scores(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Scores:
        """The scores of some texts as they would be with some of the classes."""
        values, support = self.values[np.ix_(rows, columns)], self.support[np.ix_(rows, columns)]
        used = support[np.arange(len(rows)), values.argmax(axis=1)]
        return Scores(values, self.ngrams[rows], self.known[rows], used)


def held_out(name: str) -> Iterator[str]:
    """Texts of a class, whole and as snippets."""
    rng = random.Random(name)
    unspaced = is_unspaced(name)
    for source, split in (("sib", "fold0"), ("ntrex", "dev"), ("udhr", "dev")):
        for text in texts(name, source, split):
            yield text
            for size in rng.sample(SNIPPETS, 3):
                size = size * rng.randint(1, 3) if unspaced else size
                yield cut(text, size, unspaced, rng)
    for text, language in tweets("val"):
        if TWEETS[language] == name:
            yield text


def random_letters(rng: random.Random, samples: Sequence[str]) -> Iterator[str]:
    """Words of random letters, drawn alike or as often as in texts."""
    letters = sorted({letter for text in samples for letter in text if letter.isalpha()})
    for number in range(NOISE_EACH):
        drawn: Sequence[str] = letters if number % 2 else "".join(samples)
        yield " ".join("".join(rng.choices(drawn, k=rng.randint(1, 12))) for _ in range(rng.choice(NOISE_WORDS)))


def random_code(rng: random.Random) -> Iterator[str]:
    """Keywords and names of Python among single letters, and hexadecimal numbers."""
    names = [*keyword.kwlist, *dir(builtins), *dir(str), *dir(dict), "int", "void", "const", "var", "let", "function"]
    for number in range(NOISE_EACH):
        size = rng.choice(NOISE_WORDS)
        if number % 4:
            yield " ".join(rng.choice(names) if rng.random() < 0.6 else rng.choice("abcijknpsxy") for _ in range(size))
        else:
            yield " ".join("".join(rng.choices("0123456789abcdef", k=rng.randint(6, 40))) for _ in range(size))


def romanized() -> Iterator[str]:
    """Texts of other scripts in Latin letters, by the tables of anyascii: languages that the model knows in their own
    script only."""
    for name in ROMANIZED:
        for number, text in enumerate(held_out(name)):
            if number % ROMANIZED_EVERY == 0:
                yield anyascii(text).lower()


def noise(script: int, samples: Sequence[str]) -> list[str]:
    """What is in no language of a script."""
    rng = random.Random(script)
    found = list(random_letters(rng, samples))
    return [*found, *random_code(rng), *romanized()] if script == LATIN else found


def make_cases() -> list[Case]:
    cases = []
    for script, group in read_model().items():
        if script == KANA:
            continue  # its only language needs no decision, and the group is that of the Chinese characters
        found = [
            (text, column)
            for column, name in enumerate(group.classes)
            if NAMES.index(SCRIPTS[name[4:]]) == script
            for text in held_out(name)
        ]
        found += [(text, -1) for text in noise(script, [text for text, _ in found][:2000])]
        parts, gold = [], []
        for part in split_scripts([prepare(text) for text, _ in found]):
            if part.share == 1.0 and part.script in ((HAN, KANA) if script == HAN else (script,)):
                parts.append(part)
                gold.append(found[part.owner][1])
        scores = score(script, [part.text for part in parts], range(len(group.classes)))
        support = count_support(script, [part.text for part in parts])
        # What has kana is Japanese: the others are no rivals.
        kana = np.array([part.script == KANA for part in parts])
        for table in (scores.values, support):
            table[np.ix_(kana, np.array(group.classes) != "jpn_Jpan")] = 0
        arrays = (scores.values, support, scores.ngrams, scores.known, length_classes(parts))
        cases.append(Case(group.classes, group.log_prior, parts, np.array(gold), *arrays))
        print(NAMES[script], len(parts), flush=True)
    return cases


def count_support(script: int, found: Sequence[str]) -> NDArray[np.int64]:
    """How many of the n-grams of each text each class has."""
    symbols, owners = read_symbols(found)
    hashes = hash_ngrams(symbols, LONGEST, SPACE)
    group = read_model()[script]
    there = hashes > 0
    rows = group.index.find(hashes[there].astype(np.uint64))
    owner_of = np.broadcast_to(owners[:, None], hashes.shape)[there]
    has = group.weights > 0
    support = np.zeros((len(found), len(group.classes)), dtype=np.int64)
    starts = np.searchsorted(owner_of, np.arange(len(found) + 1))
    for number, (start, end) in enumerate(zip(starts[:-1], starts[1:])):
        own = rows[start:end]
        support[number] = has[own[own >= 0]].sum(axis=0)
    return support


# Temperatures


def fit_temperatures(cases: Sequence[Case], allowed: Callable[[str], bool], use_prior: bool) -> list[float]:
    """For each class of length the temperature with the highest likelihood of the right answers; each class of the
    model counts alike."""
    fitted = []
    for length in range(len(CLASSES)):

        def loss(log_temperature: float, length: int = length) -> float:
            total, count = 0.0, 0.0
            for case in cases:
                columns = np.flatnonzero([allowed(name) for name in case.names])
                rows = np.flatnonzero((case.lengths == length) & np.isin(case.gold, columns))
                if len(columns) < 2 or not len(rows):
                    continue
                logits = case.values[np.ix_(rows, columns)] / np.exp(log_temperature)
                if use_prior:
                    logits = logits + case.log_prior[columns]
                codes = np.array([answer_code(name, False) for name in case.names])
                right = codes[columns] == codes[case.gold[rows]][:, None]
                probabilities = softmax(logits)
                losses = -np.log(np.maximum((probabilities * right).sum(axis=1), 1e-6))
                others = -np.log(np.maximum(probabilities, 1e-12)).mean(axis=1)
                weight = 1.0 / np.bincount(case.gold[rows], minlength=len(case.names))[case.gold[rows]]
                total += float((weight * ((1.0 - DOUBT) * losses + DOUBT * others)).sum())
                count += float(weight.sum())
            return total / max(count, 1.0)

        found = minimize_scalar(loss, bounds=(np.log(0.1), np.log(200.0)), method="bounded")
        fitted.append(round(float(np.exp(found.x)), DIGITS))
    return fitted


# Unknown


def fit_typical(cases: Sequence[Case]) -> dict[str, list[float]]:
    """The means of the first three of `unknown_features` over whole sentences of each class."""
    typical = {}
    for case in cases:
        bases = [base_code(name) for name in case.names]
        none, every = np.zeros((len(bases), 3)), np.arange(len(bases))
        for column, name in enumerate(case.names):
            own = np.flatnonzero((case.gold == column) & (case.lengths >= CLASSES.index("< 64 letters")))
            found = unknown_features(case.scores(own, every), none, bases)
            typical[name] = [round(float(each), DIGITS) for each in found[:, :3].mean(axis=0)]
    return typical


@dataclass(frozen=True)
class Sample:
    """Features of texts; unknown: whether their language was taken out; language: merged; length: the class; script:
    its name."""

    features: Floats
    unknown: NDArray[np.bool_]
    language: NDArray[np.str_]
    length: NDArray[np.int64]
    script: NDArray[np.str_]


def make_sample(cases: Sequence[Case], typical: dict[str, list[float]], left_out: Sequence[str] = ()) -> Sample:
    """Each text twice: with all languages, and without its own. Without the languages that are left out: those texts
    once, as unknown."""
    pieces = []
    for case in cases:
        codes = np.array([merged(name) for name in case.names])
        expected = np.array([typical[name] for name in case.names])
        bases = [base_code(name) for name in case.names]
        kept = ~np.isin(codes, left_out)
        own = np.where(case.gold >= 0, codes[case.gold], "noise")
        long_enough = case.ngrams >= LEAST_NGRAMS
        for take_out in (False, True):
            for language in sorted(set(own)):
                rows = np.flatnonzero((own == language) & long_enough)
                there = kept & (codes != language) if take_out else kept
                unknown = take_out or language == "noise" or language in left_out
                if (take_out and (language == "noise" or language in left_out)) or not there.any():
                    continue
                scores = case.scores(rows, np.flatnonzero(there))
                found = unknown_features(scores, expected[there], [base for base, each in zip(bases, there) if each])
                first = case.parts[0].script
                script = np.full(len(rows), NAMES[HAN if first == KANA else first])
                pieces.append((found, np.full(len(rows), unknown), own[rows], case.lengths[rows], script))
    return Sample(*(np.concatenate(column) for column in zip(*pieces)))


def fit_weights(sample: Sample) -> list[list[float]]:
    """For each class of length the intercept and the weights; both answers, and each language, count alike."""
    fitted = []
    for length in range(len(CLASSES)):
        rows = np.flatnonzero(sample.length == length)
        keys, places, counts = np.unique(
            [f"{language} {unknown}" for language, unknown in zip(sample.language[rows], sample.unknown[rows])],
            return_inverse=True,
            return_counts=True,
        )
        weight = 1.0 / counts[places]
        weight[sample.language[rows] == "noise"] *= NOISE_WEIGHT
        for answer in (False, True):
            weight[sample.unknown[rows] == answer] /= weight[sample.unknown[rows] == answer].sum()
        mean, spread = sample.features[rows].mean(axis=0), sample.features[rows].std(axis=0)
        scaled = (sample.features[rows] - mean) / spread
        model = LogisticRegression(C=10.0, max_iter=1000).fit(
            scaled, sample.unknown[rows], sample_weight=weight * len(rows)
        )
        slopes = model.coef_[0] / spread
        fitted.append([round(float(each), DIGITS) for each in (model.intercept_[0] - slopes @ mean, *slopes)])
    return fitted


def logits(sample: Sample, weights: Sequence[Sequence[float]]) -> Floats:
    chosen = np.array(weights)[sample.length]
    found: Floats = chosen[:, 0] + (chosen[:, 1:] * sample.features).sum(axis=1)
    return found


def fit_thresholds(sample: Sample, weights: Sequence[Sequence[float]]) -> dict[str, list[list[float]]]:
    """For each script, class of length and rate the logit that so large a share of texts in known languages exceeds:
    of those in this script, or if that is more, of all."""
    found, known = logits(sample, weights), ~sample.unknown
    shares = 1.0 - np.array(RATES)
    of_all = np.array([np.quantile(found[known & (sample.length == length)], shares) for length in range(len(CLASSES))])
    thresholds = {}
    for script in sorted(set(sample.script)):
        own = of_all.copy()
        for length in range(len(CLASSES)):
            of_script = found[known & (sample.length == length) & (sample.script == script)]
            if len(of_script):
                own[length] = np.maximum(own[length], np.quantile(of_script, shares))
        thresholds[script] = own.round(DIGITS).tolist()
    return thresholds


def judge_left_out(cases: Sequence[Case], typical: dict[str, list[float]], rate: float, seed: int) -> None:
    """Fit without twenty languages, and print how many of their texts are called unknown, beside texts of the others
    that were not used for the threshold."""
    rng = random.Random(seed)
    codes = {merged(name) for case in cases if len(case.names) > 2 for name in case.names}
    left_out = rng.sample(sorted(codes), LEFT_OUT)
    remaining = make_sample(cases, typical, left_out)
    fit_on = ~np.isin(remaining.language, left_out)
    half = np.random.default_rng(seed).random(len(fit_on)) < 0.5
    first = Sample(*(column[fit_on & half] for column in vars(remaining).values()))
    weights = fit_weights(first)
    thresholds = {name: np.array(rows)[:, RATES.index(rate)] for name, rows in fit_thresholds(first, weights).items()}
    limits = np.array([thresholds[name][length] for name, length in zip(remaining.script, remaining.length)])
    called = logits(remaining, weights) > limits
    print("left out:", ", ".join(left_out))
    for length, name in enumerate(CLASSES):
        rows = remaining.length == length
        theirs = called[rows & np.isin(remaining.language, left_out)].mean()
        known = called[rows & ~remaining.unknown & ~half].mean()
        noise_found = called[rows & (remaining.language == "noise")].mean()
        print(f"  {name}: left out {theirs:.3f}, known {known:.3f}, noise {noise_found:.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="the model that was built with --holdout")
    ngrams.FILE = parser.parse_args().model
    document = json.loads(calibration.FILE.read_text(encoding="utf8"))
    cases = make_cases()
    assert {name for case in cases for name in case.names} == set(classes())
    document["temperatures"]["ngrams"] = {
        "open": fit_temperatures(cases, lambda name: True, use_prior=True),
        "prior": fit_temperatures(cases, lambda name: base_code(name) in LANGUAGES, use_prior=False),
    }
    print(document["temperatures"]["ngrams"], flush=True)
    typical = fit_typical(cases)
    sample = make_sample(cases, typical)
    weights = fit_weights(sample)
    document["unknown"] = {
        "typical": typical,
        "weights": weights,
        "rates": list(RATES),
        "thresholds": fit_thresholds(sample, weights),
    }
    calibration.FILE.write_text(json.dumps(document, indent=1) + "\n", encoding="utf8")
    for seed in range(3):
        judge_left_out(cases, typical, 0.02, seed)


if __name__ == "__main__":
    main()
