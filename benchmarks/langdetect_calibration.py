"""Fit spacy_xlt/detectors/calibration.json: temperatures of all back ends, weights of the ensemble.

    python benchmarks/langdetect_calibration.py

Weights are fitted on SIB-200 train, NTREX (lines 1-1800) and UMSAB train; temperatures on SIB-200 dev, NTREX (the
rest) and UMSAB val, where every figure that it prints is measured too. Both by the log-likelihood of the right
language, for each class of length, once with the 14 languages as the prior and once without a prior. Test files are
not read.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from langdetect_data import LANGUAGES, fit_sets
from numpy.typing import NDArray
from scipy.optimize import minimize

from spacy_xlt.detectors.calibration import CLASSES, FILE, length_classes
from spacy_xlt.detectors.ensemble import Ensemble, member_scores, normalise
from spacy_xlt.detectors.fasttext import FastText
from spacy_xlt.detectors.langdetect import LangDetect
from spacy_xlt.detectors.lingua import Lingua
from spacy_xlt.detectors.ngrams import NGrams
from spacy_xlt.detectors.parts import Part, split_scripts
from spacy_xlt.detectors.prepare import prepare
from spacy_xlt.detectors.py3langid import Py3LangId
from spacy_xlt.detectors.scoring import ScoringDetector, missing_kana
from spacy_xlt.detectors.scripts import ON_REQUEST, is_written_in

Floats = NDArray[np.float64]

TRAIN_EACH, DEV_EACH = 150, 150
# The weights of n-grams and fastText beside 1 for py3langid that are tried, and temperatures to judge them at.
NGRAM_WEIGHTS = (0.0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
FASTTEXT_WEIGHTS = (0.0, 0.25, 0.5, 1.0, 2.0)
TRIED_TEMPERATURES = (0.35, 0.6, 1.0, 1.6)
# Errors count, and so many of the likelihood's nats: by likelihood alone, certainty wins over accuracy; errors alone
# are few.
NATS = 0.02
DIGITS = 3
DOUBT = 0.001


@dataclass
class Case:
    """Parts with their gold languages, as columns of `languages`."""

    parts: list[Part]
    gold: NDArray[np.int64]
    languages: tuple[str, ...]
    prior: bool
    allowed: NDArray[np.bool_]

    def select(self, rows: NDArray[np.int64]) -> "Case":
        parts = [self.parts[row] for row in rows]
        return Case(parts, self.gold[rows], self.languages, self.prior, self.allowed[rows])


def make_case(split: str, each: int, known: Sequence[str], prior: bool) -> Case:
    """The texts whose script leaves a choice between languages that the detector knows."""
    languages = tuple(sorted(code for code in known if (code in LANGUAGES if prior else code not in ON_REQUEST)))
    parts, gold = [], []
    for labelled in fit_sets(split, each).values():
        for part in split_scripts([prepare(text) for text, _ in labelled]):
            language = labelled[part.owner][1]
            choice = sum(is_written_in(code, part.script) for code in languages) > 1
            if part.share == 1.0 and choice and language in languages and is_written_in(language, part.script):
                parts.append(part)
                gold.append(languages.index(language))
    allowed = np.array([[is_written_in(code, part.script) for code in languages] for part in parts])
    return Case(parts, np.array(gold), languages, prior, allowed)


def loss(scores: Floats, case: Case) -> float:
    """The mean negative log-likelihood of the right languages, and a little of all others: without it, a class of
    length without a single error would be taken for sure."""
    scores = np.where(case.allowed, scores, -np.inf)
    if "ja" in case.languages:
        scores[:, case.languages.index("ja")] -= [missing_kana(part) for part in case.parts]
    highest = scores.max(axis=1)
    losses = np.log(np.exp(scores - highest[:, None]).sum(axis=1, keepdims=True)) - (scores - highest[:, None])
    right = np.minimum(losses[np.arange(len(scores)), case.gold], 10.0)
    others = np.where(case.allowed, losses, 0.0).sum(axis=1) / case.allowed.sum(axis=1)
    return float(np.mean((1 - DOUBT) * right + DOUBT * others))


def minimum(function: Callable[[Floats], float], start: Sequence[float]) -> list[float]:
    """The positive numbers that minimise a function."""
    bounds = [(np.log(1e-2), np.log(1e2))] * len(start)
    found = minimize(lambda logs: function(np.exp(logs)), np.log(start), method="Powell", bounds=bounds)
    return [round(float(value), DIGITS) for value in np.exp(np.atleast_1d(found.x))]


def fit_temperatures(scores: Floats, case: Case) -> list[float]:
    """One temperature for each class of length."""
    classes = length_classes(case.parts)
    fitted = []
    for number in range(len(CLASSES)):
        rows = np.flatnonzero(classes == number)
        subset, own = case.select(rows), scores[rows]

        def cooled(temperature: Floats, own: Floats = own, subset: Case = subset) -> float:
            return loss(own / temperature[0], subset)

        fitted += minimum(cooled, [1.0])
    return fitted


def fit_weights(ensemble: Ensemble, case: Case) -> list[list[float]]:
    """The weights of the members (n-grams, py3langid, fastText) for each class of length, the best of a grid."""
    scores = [member_scores(member, case.parts, case.languages, case.prior) for member in ensemble.members]
    classes = length_classes(case.parts)
    fitted = []
    for number in range(len(CLASSES)):
        rows = np.flatnonzero(classes == number)
        subset, own = case.select(rows), [each[rows] for each in scores]
        grid = [[ngrams, 1.0, fasttext] for ngrams in NGRAM_WEIGHTS for fasttext in FASTTEXT_WEIGHTS]
        fitted.append(min(grid, key=lambda weights: badness(own, weights, subset)))
    return fitted


def badness(scores: list[Floats], weights: Sequence[float], case: Case) -> float:
    """The share of errors, and a little of the loss at the best temperature."""
    columns = [np.full(len(case.parts), weight) for weight in weights]
    mixed = sum(normalise(own, column, case.allowed) for own, column in zip(scores, columns) if column[0])
    mixed = np.asarray(mixed)
    errors = float((np.where(case.allowed, mixed, -np.inf).argmax(axis=1) != case.gold).mean())
    return errors + NATS * min(loss(mixed / temperature, case) for temperature in TRIED_TEMPERATURES)


def calibrate(detector: ScoringDetector) -> dict[str, list[float]]:
    """The temperatures of a detector, with and without a prior."""
    fitted = {}
    for prior in (False, True):
        case = make_case("dev", DEV_EACH, detector.languages, prior)
        chunks = [case.parts[start : start + 512] for start in range(0, len(case.parts), 512)]
        scores = np.concatenate([detector.calibrated(chunk, case.languages, prior) for chunk in chunks])
        fitted["prior" if prior else "open"] = fit_temperatures(scores, case)
    return fitted


def write(calibration: dict) -> None:
    FILE.write_text(json.dumps(calibration, indent=1) + "\n", encoding="utf8")


def main() -> None:
    import spacy_xlt.detectors.calibration as module

    ensemble = Ensemble()
    weights = {
        name: fit_weights(ensemble, make_case("train", TRAIN_EACH, ensemble.languages, name == "prior"))
        for name in ("open", "prior")
    }
    # Temperatures are fitted on top of the weights, with none before.
    calibration = {"classes": list(CLASSES), "temperatures": {}, "ensemble": weights}
    write(calibration)
    module.read_calibration.cache_clear()
    for detector in (LangDetect(), NGrams(), Py3LangId(), FastText(), Lingua(), ensemble):
        calibration["temperatures"][detector.name] = calibrate(detector)  # type: ignore[index]
        print(detector.name, calibration["temperatures"][detector.name], flush=True)  # type: ignore[index]
    write(calibration)


if __name__ == "__main__":
    main()
