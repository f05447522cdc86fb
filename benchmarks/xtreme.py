"""Summarize the tasks that the package has on one page, in the way of XTREME.

    python benchmarks/xtreme.py [--model FOLDER] [--output metrics/xtreme.json]

- Topics of sentences (SIB-200), sentiment of tweets (UMSAB) and pairs of sentences (XNLI): the accuracies in
  metrics/sib200.json, metrics/tweets.json and metrics/xnli.json, which `xlt evaluate` has written. Named entities
  (Universal NER) and questions (XQuAD, MLQA): F1 in metrics/ner.json, metrics/xquad.json and metrics/mlqa.json. The
  models were trained in English.
- Retrieval (Tatoeba): how often the nearest English sentence is the translation, by CSLS after the projection of the
  model, mean of both directions. Needs ../shared/data or SPACY_XLT_DATA.

The score of a task is its mean over the target languages, and the overall score is the mean of the tasks, as in Hu et
al. (2020), "XTREME: a massively multilingual multi-task benchmark for evaluating cross-lingual generalization", section
5. Tasks whose data are missing are left out, and named.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean

from common import PROJECT, data_folder

from spacy_xlt.data.parallel import read_parallel
from spacy_xlt.evaluation.evaluate_alignment import evaluate_alignment
from spacy_xlt.evaluation.report import Report, load_report
from spacy_xlt.evaluation.task_report import TaskReport
from spacy_xlt.files import write_json
from spacy_xlt.languages import base_code
from spacy_xlt.models import load_model

MEASURED = {
    "topics (SIB-200)": "sib200.json",
    "tweets (UMSAB)": "tweets.json",
    "pairs (XNLI)": "xnli.json",
    "named entities (Universal NER)": "ner.json",
    "questions (XQuAD)": "xquad.json",
    "questions (MLQA)": "mlqa.json",
}
RETRIEVAL = "retrieval (Tatoeba)"

Scores = Mapping[str, float]


def measured(metrics: Path) -> Scores:
    """Return the main figure of each target language in a metrics file."""
    report = load_report(metrics)
    if isinstance(report, TaskReport):
        return {code: each.scores[report.main] for code, each in report.languages.items() if code != report.source}
    assert isinstance(report, Report)
    return {code: each.accuracy for code, each in report.languages.items() if code != report.source}


def retrieval(model: Path) -> Scores:
    """Return how often the nearest sentence is the translation, mean of both directions."""
    pairs = {
        base_code(path.name.partition("-")[0]): read_parallel(str(path), str(path.with_suffix(f".{path.name[:3]}")))
        for path in sorted((data_folder() / "tatoeba").glob("*-eng.eng"))
    }
    found = evaluate_alignment(load_model(model), pairs=pairs)["languages"]
    sentences = {code: each["sentences"] for code, each in found.items()}
    return {code: fmean((each.get("after") or each["before"])["csls"].values()) for code, each in sentences.items()}


def summary(tasks: Mapping[str, Scores]) -> str:
    """Return the table: a row for each task, a column for each language, and the means."""
    codes = sorted({code for scores in tasks.values() for code in scores})
    means = {task: fmean(scores.values()) for task, scores in tasks.items()}
    lines = [f"| Task | {' | '.join(codes)} | mean |", f"|---|{'---:|' * (len(codes) + 1)}"]
    for task, scores in tasks.items():
        cells = [f"{100 * scores[code]:.1f}" if code in scores else "–" for code in codes]
        lines.append(f"| {task} | {' | '.join(cells)} | {100 * means[task]:.1f} |")
    lines.append(f"| mean of the tasks |{' |' * len(codes)} {100 * fmean(means.values()):.1f} |")
    return "\n".join(lines)


def main(model: Path, output: Path) -> None:
    tasks: dict[str, Scores] = {}
    for task, name in MEASURED.items():
        if (PROJECT / "metrics" / name).is_file():
            tasks[task] = measured(PROJECT / "metrics" / name)
        else:
            print(f"⚠ {task} is left out: metrics/{name} does not exist.", file=sys.stderr)
    if (data_folder() / "tatoeba").is_dir() and model.is_dir():
        tasks[RETRIEVAL] = retrieval(model)
    else:
        print(f"⚠ {RETRIEVAL} is left out: {model} or the folder tatoeba of the data is missing.", file=sys.stderr)
    if not tasks:
        sys.exit("✘ There is no task to summarize. Run: python -m spacy project run xtreme")
    write_json({"tasks": {task: dict(scores) for task, scores in tasks.items()}}, output)
    print(summary(tasks))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--model", type=Path, default=PROJECT / "training" / "sib200" / "transfer")
    parser.add_argument("--output", type=Path, default=PROJECT / "metrics" / "xtreme.json")
    arguments = parser.parse_args()
    main(arguments.model, arguments.output)
