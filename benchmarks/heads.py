"""Our heads beside scikit-learn's logistic regression, on the same embeddings of the default encoder.

    python benchmarks/heads.py [--tasks tickets,umsab,sst2,many] [--vectors FOLDER]

Tasks, in one language each but the last: `tickets`, several labels per text (the tickets of corpus/tickets; every third
is urgent and says so, every fifth has a second topic with the text of another ticket, one in fifty threatens with a
lawyer); `umsab` (English tweets, three labels); `sst2` (film reviews, two labels); `many`, 20,000 texts with 150
labels: language and topic of SIB-200, language and quarter of the news of NTREX.

Systems: `exact`, what `xlt train` does (the L2 penalty chosen on dev; where a text has several labels, a threshold for
each), and the same with that penalty given; `spacy train` with configs/frozen.cfg; scikit-learn with its default C, and
with the penalty that `exact` chose, both one-vs-rest where a text has several labels. Seconds are CPU seconds of the
fit alone (of `exact` with all penalties that it tries; of `spacy train` with its Docs and evaluations): every vector is
there before. All figures are those of test.

--vectors: a folder for the vectors, so that a second run need not embed the texts again.
Tasks that are there already stay. Writes benchmarks/results/heads.{json,md}.
"""

import argparse
import io
import json
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from time import process_time
from typing import Any, Optional

import numpy as np
import scipy.optimize  # noqa: F401  (its import is not timed)
import spacy
from common import PROJECT, RESULTS, read_ntrex, write_results
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, average_precision_score, f1_score
from sklearn.multiclass import OneVsRestClassifier
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as train_nlp
from transfer import read_sib200, read_sst2_de, read_umsab

from spacy_xlt.data.docbin import make_docs, write_docbin
from spacy_xlt.data.records import Record
from spacy_xlt.heads.fitting import Labeled, fit_head
from spacy_xlt.heads.layer import probabilities_of
from spacy_xlt.heads.logistic import fit_path
from spacy_xlt.heads.thresholds import choose_thresholds, read_thresholds
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.training.examples import gold_matrix
from spacy_xlt.training.pipeline import read_packaged_config

URGENT = ("Please hurry, this is urgent.", "I need this today!", "This cannot wait.", "As soon as possible, please.")
LAWYER = ("I am going to call my lawyer.", "You will hear from my lawyer.", "I will take you to court.")
TEXTS, HELD = 20_000, 3_000
Parts = list[list[Record]]
Matrix = NDArray[np.float64]


def read_tickets(path: Path) -> list[Record]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf8").splitlines()]
    records = []
    for number, row in enumerate(rows):
        labels, text = [row["label"]], row["text"]
        other = rows[(7 * number + 3) % len(rows)]
        if number % 5 == 0 and other["label"] not in labels:
            labels, text = [*labels, other["label"]], f"{text} {other['text']}"
        if number % 3 == 0:
            labels, text = [*labels, "urgent"], f"{text} {URGENT[number % len(URGENT)]}"
        if number % 50 == 0:
            labels, text = [*labels, "legal"], f"{text} {LAWYER[number % len(LAWYER)]}"
        records.append(Record(text, tuple(labels), "en", f"{path}:{number + 1}"))
    return records


def tickets() -> Parts:
    folder = PROJECT / "corpus" / "tickets"
    return [read_tickets(folder / file) for file in ("train.jsonl", "dev.jsonl", "test/en.jsonl")]


def umsab() -> Parts:
    return [read_umsab(split)["en"] for split in ("train", "val", "test")]


def sst2() -> Parts:
    return [read_sst2_de(split)["en"] for split in ("train", "dev", "test")]


def many() -> Parts:
    """All under one language, as texts of a source: the labels are to be told apart, not the projection."""
    records = [
        Record(record.text, (f"{language} {record.labels[0]}",), "en", record.location)
        for split in ("train", "dev", "test")
        for language, of_language in read_sib200(split).items()
        for record in of_language
    ]
    news = [
        Record(line, (f"{language} news {1 + 4 * number // len(lines)}",), "en", language)
        for language, lines in read_ntrex().items()
        if language != "en"
        for number, line in enumerate(lines)
    ]
    chance = np.random.default_rng(0)
    total = TEXTS + 2 * HELD
    records += [news[row] for row in chance.permutation(len(news))[: total - len(records)]]
    mixed = [records[row] for row in chance.permutation(total)]
    return [mixed[:TEXTS], mixed[TEXTS : TEXTS + HELD], mixed[TEXTS + HELD :]]


TASKS: dict[str, Callable[[], Parts]] = {"tickets": tickets, "umsab": umsab, "sst2": sst2, "many": many}


def embed(name: str, parts: Parts, folder: Optional[Path]) -> list[NDArray[np.float32]]:
    kept = folder / f"{name}.npz" if folder else None
    if kept is not None and kept.is_file():
        with np.load(kept) as archive:
            found = [archive[f"arr_{number}"] for number in range(len(parts))]
        if [len(rows) for rows in found] == [len(part) for part in parts]:
            return found
    encoder: Any = spacy.blank("xx").add_pipe("xlt_encoder")
    vectors = [encoder.encode([record.text for record in part]) for part in parts]
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.savez(kept, *vectors)
    return vectors


def measure(probabilities: Matrix, gold: Matrix, thresholds: Optional[Sequence[float]]) -> dict[str, float]:
    """macro-F and mean average precision of the labels that occur, accuracy. thresholds: None for one label a text."""
    if thresholds is None:
        predicted = np.eye(gold.shape[1])[probabilities.argmax(axis=1)]
    else:
        predicted = (probabilities >= np.asarray(thresholds)).astype(np.float64)
    occurs = gold.any(axis=0)
    return {
        "macro_f": float(f1_score(gold[:, occurs], predicted[:, occurs], average="macro", zero_division=0)),
        "map": float(average_precision_score(gold[:, occurs], probabilities[:, occurs], average="macro")),
        "accuracy": float(accuracy_score(gold, predicted)),
    }


def by_exact(vectors: list[NDArray[np.float32]], gold: list[Matrix], exclusive: bool) -> tuple[dict[str, Any], float]:
    start = process_time()
    fit = fit_head(Labeled(vectors[0], gold[0]), Labeled(vectors[1], gold[1]), exclusive=exclusive)
    dev, test = (np.asarray(probabilities_of(fit.layer(rows), exclusive), dtype=np.float64) for rows in vectors[1:])
    thresholds = None if exclusive else choose_thresholds(dev, gold[1])
    seconds = process_time() - start
    return {"seconds": seconds, **measure(test, gold[2], thresholds)}, fit.l2


def by_sklearn(
    vectors: list[NDArray[np.float32]], gold: list[Matrix], exclusive: bool, C: float, chosen: bool
) -> dict[str, Any]:
    """chosen: a threshold for each label, chosen on dev as ours are; else .5."""
    model = LogisticRegression(C=C, max_iter=1000)
    start = process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        if exclusive:
            model.fit(vectors[0], gold[0].argmax(axis=1))
        else:
            model = OneVsRestClassifier(model).fit(vectors[0], gold[0].astype(int))
    seconds = process_time() - start
    dev, test = (model.predict_proba(rows) for rows in vectors[1:])
    thresholds = None if exclusive else choose_thresholds(dev, gold[1]) if chosen else [0.5] * gold[0].shape[1]
    return {"seconds": seconds, **measure(test, gold[2], thresholds)}


def by_spacy(parts: Parts, labels: list[str], vectors: dict[str, Any], gold: Matrix, exclusive: bool) -> dict[str, Any]:
    """`spacy train configs/frozen.cfg`, the vectors looked up."""

    def encode(self: Encoder, texts: list[str]) -> Any:
        return np.array([vectors[text] for text in texts], dtype=np.float32).reshape(len(texts), -1)

    original, Encoder.encode = Encoder.encode, encode  # type: ignore[method-assign]
    try:
        with tempfile.TemporaryDirectory() as scratch:
            blank = spacy.blank("xx")
            for name, part in zip(("train", "dev"), parts):
                write_docbin(make_docs(blank, part, labels), Path(scratch) / f"{name}.spacy")
            paths = {f"paths.{name}": f"{scratch}/{name}.spacy" for name in ("train", "dev")}
            start = process_time()
            nlp = init_nlp(read_packaged_config(not exclusive, paths))
            nlp, _ = train_nlp(nlp, None, stdout=io.StringIO(), stderr=io.StringIO())
            seconds = process_time() - start
        docs = list(nlp.pipe(record.text for record in parts[2]))
    finally:
        Encoder.encode = original  # type: ignore[method-assign]
    head: Any = nlp.get_pipe(nlp.pipe_names[-1])
    probabilities = np.array([[doc.cats[label] for label in labels] for doc in docs])
    thresholds = None if exclusive else read_thresholds(head.cfg, labels).tolist()
    return {"seconds": seconds, **measure(probabilities, gold, thresholds)}


def run(name: str, folder: Optional[Path]) -> list[dict[str, Any]]:
    parts = TASKS[name]()
    vectors = embed(name, parts, folder)
    labels = sorted({label for part in parts for record in part for label in record.labels})
    exclusive = all(len(record.labels) == 1 for part in parts for record in part)
    gold = [gold_matrix(part, labels) for part in parts]
    table = {record.text: row for part, rows in zip(parts, vectors) for record, row in zip(part, rows)}
    exact, l2 = by_exact(vectors, gold, exclusive)
    start = process_time()
    list(fit_path(vectors[0], gold[0], [l2], exclusive=exclusive))
    given = {**exact, "seconds": process_time() - start}
    found = {
        "exact": exact,
        "exact, penalty given": given,
        "spacy train": by_spacy(parts, labels, table, gold[2], exclusive),
    }
    found["scikit-learn, C = 1"] = by_sklearn(vectors, gold, exclusive, 1.0, chosen=False)
    found[f"scikit-learn, C = {1 / l2:g}"] = by_sklearn(vectors, gold, exclusive, 1 / l2, chosen=False)
    if not exclusive:
        found[f"scikit-learn, C = {1 / l2:g}, our thresholds"] = by_sklearn(
            vectors, gold, exclusive, 1 / l2, chosen=True
        )
    rows = [
        {"task": name, "texts": len(parts[0]), "labels": len(labels), "system": system}
        | {key: round(value, 4) for key, value in figures.items()}
        for system, figures in found.items()
    ]
    for row in rows:
        print(row, flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--vectors", type=Path)
    options = parser.parse_args()
    tasks = options.tasks.split(",")
    results = RESULTS / "heads.json"
    rows = json.loads(results.read_text(encoding="utf8"))["rows"] if results.is_file() else []
    for task in tasks:
        rows = [row for row in rows if row["task"] != task] + run(task, options.vectors)
        rows.sort(key=lambda row: list(TASKS).index(row["task"]))
        lines = [
            f"| {r['task']} | {r['texts']} | {r['labels']} | {r['system']} | {r['macro_f']:.3f} | {r['map']:.3f} "
            f"| {r['accuracy']:.3f} | {r['seconds']:.2f} |"
            for r in rows
        ]
        head = "| task | texts | labels | system | macro-F | mAP | accuracy | CPU seconds |"
        write_results("heads", {"rows": rows}, "\n".join([head, "|---" * 8 + "|", *lines]))


if __name__ == "__main__":
    main()
