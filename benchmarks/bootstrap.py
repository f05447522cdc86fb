"""From zero to trained: accuracy against the number of checked texts, for SIB-200 and the tickets.

    python benchmarks/bootstrap.py [EMBEDDINGS.npz]

Texts are selected from the English training texts, whose labels are hidden until a text is checked. `random` and
`typiclust` train on the checked texts alone, as `xlt train` does with a frozen encoder; `+ pre-labels` also trains on
the other texts with the labels that the zero-shot classifier predicts, as `xlt bootstrap` does. Figures are the
mean accuracy on the test texts of all languages, projected, over three seeds. `needed` is the number of checked texts
at which the mean reaches .95 of the accuracy with all labels, interpolated linearly. The weight of the pre-labels and
the way of selection were chosen on development texts. Writes benchmarks/results/bootstrap.{json,md}.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional

import numpy as np
from common import data_folder, write_results
from descriptions import LABELS, TICKETS, Embedder, Projected, Task, Texts, read, read_sib200, read_tickets
from numpy.typing import NDArray

from spacy_xlt.data.records import Record
from spacy_xlt.errors import XltError
from spacy_xlt.heads.fitting import Labeled, cross_validate
from spacy_xlt.heads.layer import Layer, probabilities_of
from spacy_xlt.training.folds import make_folds
from spacy_xlt.training.train import PRE_LABEL_WEIGHT
from spacy_xlt.vectors import unit_rows
from spacy_xlt.zeroshot.descriptions import describe_prototypes
from spacy_xlt.zeroshot.labels import read_labels
from spacy_xlt.zeroshot.mixture import sharpen
from spacy_xlt.zeroshot.selection import select_typical

NUMBERS = (25, 50, 75, 100, 150, 200, 250, 300)
SEEDS = range(3)
METHODS = ("random", "typiclust", "random + pre-labels", "typiclust + pre-labels")
ENOUGH = 0.95


def fit(pool: Texts, rows: Sequence[int], pre_labels: Optional[NDArray[Any]], names: list[str]) -> Optional[Layer]:
    """The head that `xlt train` fits to checked texts; None if it learns nothing from so few."""
    checked = np.zeros(len(pool.gold), dtype=bool)
    checked[list(rows)] = True
    used = np.arange(len(checked)) if pre_labels is not None else np.flatnonzero(checked)
    gold = np.array([names.index(label) for label in pool.gold])
    labels = np.where(checked, gold, gold if pre_labels is None else pre_labels)[used]
    weights = np.where(checked[used], 1.0, PRE_LABEL_WEIGHT)
    records = [Record(str(row), (names[label],), "en", "pool") for row, label in zip(used, labels)]
    known = np.tile(weights[:, None], len(names)) if pre_labels is not None else None
    data = Labeled(pool.vectors[used], np.eye(len(names))[labels], known)
    try:
        return cross_validate(data, make_folds(records), exclusive=True)[0].layer
    except XltError:
        return None


def accuracy(layer: Optional[Layer], task: Task, project: Projected, names: list[str]) -> float:
    """The mean over the languages; without a head the share of the most frequent label."""
    shares = []
    for language, texts in task.test.items():
        gold = np.array([names.index(label) for label in texts.gold])
        if layer is None:
            shares.append(np.bincount(gold).max() / len(gold))
        else:
            shares.append((layer(project(language, texts.vectors)).argmax(axis=1) == gold).mean())
    return float(np.mean(shares))


def needed(numbers: Sequence[int], means: Sequence[float], goal: float) -> Optional[float]:
    """The number of texts at which the goal is reached, interpolated; None if it is not reached."""
    for place, value in enumerate(means):
        if value >= goal:
            if place == 0:
                return float(numbers[0])
            before, step = means[place - 1], numbers[place] - numbers[place - 1]
            return round(numbers[place - 1] + step * (goal - before) / (value - before), 1)
    return None


def measure(name: str, task: Task, pool: Texts, path: Path, embed: Embedder) -> dict[str, Any]:
    labels = read_labels(path)
    names = [label.name for label in labels]
    # The languages are centered on their unlabeled texts, and the source on the pool.
    project = Projected(Task(task.source, {**task.unlabeled, task.source: pool}, task.test))
    layer = sharpen(unit_rows(describe_prototypes(labels, embed).weight), pool.vectors, pool.vectors.mean(axis=0)).layer
    pre_labels = probabilities_of(layer(pool.vectors), True).argmax(axis=1)
    full = accuracy(fit(pool, range(len(pool.gold)), None, names), task, project, names)
    curves: dict[str, list[list[float]]] = {method: [] for method in METHODS}
    for n in NUMBERS:
        for method in METHODS:
            values = []
            for seed in SEEDS:
                chance = np.random.default_rng(seed)
                rows = (
                    chance.permutation(len(pool.gold))[:n]
                    if method.startswith("random")
                    else select_typical(pool.vectors, n, seed)
                )
                fitted = fit(pool, rows.tolist(), pre_labels if method.endswith("pre-labels") else None, names)
                values.append(accuracy(fitted, task, project, names))
            curves[method].append(values)
            print(name, n, method, np.round(values, 3), flush=True)
    zero = accuracy(layer, task, project, names)
    means = {method: [float(np.mean(values)) for values in curve] for method, curve in curves.items()}
    # With pre-labels, the curve starts with the zero-shot classifier, which needs no checked text.
    starts = {method: zero if method.endswith("pre-labels") else 0.0 for method in METHODS}
    return {
        "task": name,
        "pool": len(pool.gold),
        "full": full,
        "zero_shot": zero,
        "curves": curves,
        "means": means,
        "needed": {
            method: needed([0, *NUMBERS], [starts[method], *means[method]], ENOUGH * full) for method in METHODS
        },
    }


def main() -> None:
    embed = Embedder(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
    rows = [
        measure("tickets", read_tickets(embed), read(embed, TICKETS / "train.jsonl"), LABELS / "tickets.yml", embed),
        measure(
            "SIB-200",
            read_sib200(embed),
            read(embed, data_folder() / "sib200" / "eng_Latn" / "train.tsv"),
            LABELS / "sib200.en.yml",
            embed,
        ),
    ]
    write_results("bootstrap", {"numbers": NUMBERS, "rows": rows}, table(rows))


def table(rows: Sequence[dict[str, Any]]) -> str:
    lines = [
        f"| task | method | {' | '.join(map(str, NUMBERS))} | all labels | needed |",
        "|---|---|" + "---|" * (len(NUMBERS) + 2),
    ]
    for row in rows:
        full = f"{row['full']:.3f} ({row['pool']} texts)"
        lines.append(f"| {row['task']} | zero-shot, no checked text: {row['zero_shot']:.3f} |" + " |" * 10)
        for method in METHODS:
            values = " | ".join(f"{value:.3f}" for value in row["means"][method])
            count = row["needed"][method]
            shown = "not reached" if count is None else f"{count:.0f}"
            lines.append(f"| {row['task']} | {method} | {values} | {full} | {shown} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
