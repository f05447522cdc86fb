"""Fit the temperatures of other packages' back ends in spacy_xlt/detectors/calibration.json.

    python benchmarks/langdetect_calibration.py

They are fitted on SIB-200 dev, NTREX (lines 1801 on) and UMSAB val by the log-likelihood of the right language, for
each class of length, once with the 14 languages as the prior and once without a prior. Test files are not read. What
concerns our own model is fitted by langdetect_unknown.py.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from langdetect_data import LANGUAGES, fit_sets
from numpy.typing import NDArray
from scipy.optimize import minimize

from spacy_xlt.detectors.calibration import CLASSES, FILE, length_classes, read_calibration
from spacy_xlt.detectors.fasttext import FastText
from spacy_xlt.detectors.langdetect import LangDetect
from spacy_xlt.detectors.lingua import Lingua
from spacy_xlt.detectors.parts import Part, split_scripts
from spacy_xlt.detectors.prepare import prepare
from spacy_xlt.detectors.py3langid import Py3LangId
from spacy_xlt.detectors.scoring import ScoringDetector, missing_kana
from spacy_xlt.detectors.scripts import ON_REQUEST, is_written_in

Floats = NDArray[np.float64]

DEV_EACH = 150
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
    for labeled in fit_sets(split, each).values():
        for part in split_scripts([prepare(text) for text, _ in labeled]):
            language = labeled[part.owner][1]
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
    """The positive numbers that minimize a function."""
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
    calibration = json.loads(FILE.read_text(encoding="utf8"))
    for detector in (LangDetect(), Py3LangId(), FastText(), Lingua()):
        # Temperatures are fitted with none before.
        read_calibration()["temperatures"].pop(detector.name, None)
        calibration["temperatures"][detector.name] = calibrate(detector)
        print(detector.name, calibration["temperatures"][detector.name], flush=True)
    write(calibration)


if __name__ == "__main__":
    main()
