"""A few English labels of SIB-200, fine-tuned, beside SetFit: accuracy in English and in seven other languages.

    python benchmarks/few_labels.py [LABELS_EACH ...]        # default: 8 16 64

For each number of labels a class and each seed, the same English sentences go to `xlt.train(method="finetune")`, to
`xlt.train(method="frozen")` and, if SETFIT_PYTHON names a Python with setfit 1.2, to SetFit on the same encoder with
its default settings. SetFit runs for the first seed only, because a run takes six minutes. Its number of pairs grows
quadratically with the labels, so with more than 8 a class it stops after the steps that it takes with 8. No system gets
development data. `adapted` rows also get unlabeled sentences: 150 of the training sentences of each language, and for
Yoruba, which has none, its 99 development sentences. Writes benchmarks/results/few_labels.{json,md}.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean
from time import perf_counter
from typing import Any, Optional

import numpy as np
from common import PROJECT, data_folder, write_results
from spacy.language import Language

from spacy_xlt import Dataset, project, train
from spacy_xlt.data.records import Record
from spacy_xlt.encoders.folder import default_folder
from spacy_xlt.evaluation.evaluate import evaluate_classifier

LANGUAGES = {
    "en": "sib200/eng_Latn",
    "de": "sib200/deu_Latn",
    "sw": "sib200/swh_Latn",
    "ar": "sib200/arb_Arab",
    "zh": "sib200/zho_Hans",
    "hi": "sib200/hin_Deva",
    "pt": "sib200/por_Latn",
    "yo": "sib200-low/yor_Latn",
}
SEEDS = range(3)
UNLABELED = 150
# SetFit runs for this seed, and takes at most this many steps: its number of steps with 8 labels a class.
SETFIT_SEED, SETFIT_STEPS = 0, 168
# Frozen encoders run with at most this many labels a class: more change little.
FROZEN_LABELS = 8


def read(language: str, part: str) -> list[Record]:
    """The sentences of a language, with the code of this benchmark."""
    path = data_folder() / LANGUAGES[language] / f"{part}.tsv"
    return Dataset.load(path, language=language).records


def choose(records: list[Record], each: int, seed: int) -> list[Record]:
    """So many records of each label, or all where there are fewer."""
    chance = np.random.default_rng(seed)
    rows: list[int] = []
    for label in sorted({record.labels[0] for record in records}):
        there = [row for row, record in enumerate(records) if record.labels == (label,)]
        rows += chance.permutation(there)[:each].tolist()
    return [records[row] for row in sorted(rows)]


def accuracies(nlp: Language, test: list[Record]) -> dict[str, float]:
    languages = evaluate_classifier(nlp, test, progress=False).languages
    return {language: figures.accuracy for language, figures in languages.items()}


def setfit(few: list[Record], test: list[Record], seed: int) -> Optional[tuple[dict[str, float], float]]:
    """The accuracies and the seconds of SetFit; None if it is not installed."""
    python = os.environ.get("SETFIT_PYTHON")
    if python is None:
        return None
    by_language: dict[str, list[list[str]]] = {}
    for record in test:
        by_language.setdefault(record.language, []).append([record.text, record.labels[0]])
    with tempfile.TemporaryDirectory() as scratch:
        paths = [Path(scratch) / name for name in ("train.json", "test.json", "out.json")]
        paths[0].write_text(json.dumps([[record.text, record.labels[0]] for record in few]))
        paths[1].write_text(json.dumps(by_language))
        script = PROJECT / "benchmarks" / "few_labels_setfit.py"
        subprocess.run([python, script, default_folder(), *paths, str(seed), str(SETFIT_STEPS)], check=True)
        found = json.loads(paths[2].read_text())
    return found["accuracy"], found["seconds"]["wall"]


def main(*counts: int) -> None:
    english = read("en", "train")
    test = [record for language in LANGUAGES for record in read(language, "test")]
    unlabeled = {
        language: [record.text for record in read(language, "dev" if language == "yo" else "train")][:UNLABELED]
        for language in LANGUAGES
        if language != "en"
    }
    found: dict[tuple[str, int], list[dict[str, Any]]] = {}

    def add(system: str, count: int, accuracy: dict[str, float], seconds: float) -> None:
        others = mean(value for language, value in accuracy.items() if language != "en")
        row = {"english": accuracy["en"], "others": others, "lowest": min(accuracy.values()), "seconds": seconds}
        found.setdefault((system, count), []).append(row)
        print(system, count, {name: round(value, 3) for name, value in row.items()}, flush=True)

    for count in counts or (8, 16, 64):
        for seed in SEEDS:
            few = choose(english, count, seed)
            for method in ("finetune", "frozen") if count <= FROZEN_LABELS else ("finetune",):
                start = perf_counter()
                nlp = train(few, method=method, seed=seed, languages=list(LANGUAGES), progress=False)  # type: ignore[arg-type]
                seconds = perf_counter() - start
                add(f"xlt.train, {method}", count, accuracies(nlp, test), seconds)
                start = perf_counter()
                project(nlp, unlabeled, progress=False)
                add(f"xlt.train, {method}, adapted", count, accuracies(nlp, test), seconds + perf_counter() - start)
            if seed == SETFIT_SEED:
                theirs = setfit(few, test, seed)
                if theirs is not None:
                    add("SetFit 1.2", count, *theirs)
    rows = [
        {"system": system, "labels": count, "runs": len(runs)}
        | {name: round(mean(run[name] for run in runs), 4) for name in runs[0]}
        for (system, count), runs in found.items()
    ]
    lines = [
        f"| {row['labels']} | {row['system']} | {row['english']:.3f} | {row['others']:.3f} | {row['lowest']:.3f} | "
        f"{row['seconds']:.0f} |"
        for row in rows
    ]
    head = "| labels a class | system | English | mean of 7 others | lowest | seconds |\n|---|---|---|---|---|---|\n"
    others = ", ".join(language for language in LANGUAGES if language != "en")
    seeds = f"mean of {len(SEEDS)} seeds (SetFit: seed {SETFIT_SEED}, at most {SETFIT_STEPS} steps)"
    note = f"\n\nAccuracy on the test sentences of SIB-200, {seeds}. The others: {others}."
    write_results("few_labels", {"rows": rows}, head + "\n".join(lines) + note)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
