"""Calibrate `xlt.estimate` on the predictions of estimate_predictions.py, and measure its errors leave-task-out.

    python benchmarks/estimate_predictions.py
    python benchmarks/estimate_predictions.py tickets sib200 --finetune all
    python benchmarks/estimate.py

A ridge regression estimates the log-odds of the accuracy in a language from figures of the predictions. It is fitted
on all tasks but one and applied to that one, so the errors are those on a task that it has not seen. The intervals are
also chosen without the task. Each model and language gives three cases: all texts, 40 texts, and texts whose labels
have random shares. Writes spacy_xlt/evaluation/estimate.json (fitted on all tasks) and
benchmarks/results/estimate.{json,md}.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Optional

import numpy as np
from common import PROJECT, machine, write_results
from numpy.typing import NDArray
from scipy.optimize import nnls
from sklearn.linear_model import Ridge

from spacy_xlt.evaluation.regression import (
    Expected,
    Regression,
    apply,
    log_odds,
    make_features,
    sampling_variances,
    variance_terms,
)
from spacy_xlt.files import write_json
from spacy_xlt.heads.confidence import ConfidenceSums, SourceFigures, source_figures, sum_confidence
from spacy_xlt.heads.layer import Layer

FOLDER = PROJECT / "metrics" / "estimate"
FILE = PROJECT / "spacy_xlt" / "evaluation" / "estimate.json"
LEVEL = 0.9
PENALTY = 0.3
SMALL = 40
# Tasks that are not fitted on: the English texts of `persons` come from another domain (web reviews) than the others
# (news), which no figure of the predictions shows.
STRESS = ("persons",)
# Figures that are tried, the method that is packaged, and the weights that the ridge penalty draws towards: the mean of
# the two best published estimates.
CHOSEN = "confidence, ATC and label excess"
ANCHORED = {
    "confidence": ["confidence"],
    "confidence and ATC": ["confidence", "certain"],
    CHOSEN: ["confidence", "certain", "label_excess"],
    "confidence, ATC and label distance": ["confidence", "certain", "label_distance"],
    "all eight figures": [
        *("confidence", "certain", "likely", "sure"),
        *("label_excess", "label_distance", "label_entropy", "largest_label"),
    ],
}
ALONE = {
    CHOSEN: ["one", "confidence"],
    "confidences and labels": ["one", "confidence", "likely", "sure", "label_entropy", "largest_label"],
}
Floats = NDArray[np.float64]
NO_LAYER = Layer(np.zeros((1, 1), dtype=np.float32), np.zeros(1, dtype=np.float32))


@dataclass(frozen=True)
class Case:
    """The predictions of a model for a language, and their accuracy. kind: plain, projected or damaged."""

    task: str
    encoder: str
    head: str
    kind: str
    language: str
    prior: str
    small: bool
    correct: int
    sums: ConfidenceSums
    raw: ConfidenceSums
    source: SourceFigures
    atc: float

    @property
    def n(self) -> int:
        return self.sums.n

    @property
    def accuracy(self) -> float:
        return self.correct / self.n

    @property
    def is_worse(self) -> bool:
        """Whether the model was made worse on purpose."""
        return self.kind == "damaged" or self.head in ("noisy", "strong", "weak", "8")


def negative_entropy(rows: Floats) -> Floats:
    return np.asarray((rows * np.log(np.maximum(rows, 1e-12))).sum(axis=1))


def read_cases() -> list[Case]:
    """Return the cases: all texts of a language, a small sample, and samples with a random label prior."""
    cases: list[Case] = []
    for path in sorted(FOLDER.glob("*-*-*-*.npz")):
        task, encoder, head, kind = path.stem.split("-")
        with np.load(path) as content:
            arrays = {name: content[name] for name in content.files}
        dev, gold = arrays["dev/p"].astype(np.float64), arrays["dev/gold"]
        source = source_figures(dev, np.eye(dev.shape[1])[gold], NO_LAYER)
        if source.accuracy <= max(source.gold) / source.sums.n:
            continue  # `train` refuses a model that is no better than the most frequent label.
        threshold = np.quantile(negative_entropy(dev), 1.0 - source.accuracy)
        for name in arrays:
            language = name.removesuffix("/p")
            if name == language or language == "dev":
                continue
            rows, labels = arrays[name].astype(np.float64), arrays[f"{language}/gold"]
            chance = np.random.default_rng([len(cases), 0])
            samples = [
                ("data", False, np.arange(len(rows))),
                ("data", True, chance.choice(len(rows), min(SMALL, len(rows)), replace=False)),
                ("shifted", False, shifted(labels, dev.shape[1], chance)),
            ]
            for prior, small, chosen in samples:
                part = rows[chosen]
                correct = int((part.argmax(axis=1) == labels[chosen]).sum())
                atc = float((negative_entropy(part) >= threshold).mean())
                sums = sum_confidence(part, source.scale)
                cases.append(
                    Case(
                        task,
                        encoder,
                        head,
                        kind,
                        language,
                        prior,
                        small,
                        correct,
                        sums,
                        sum_confidence(part),
                        source,
                        atc,
                    )
                )
    return cases


def shifted(labels: NDArray[np.int64], number: int, chance: np.random.Generator) -> NDArray[np.int64]:
    """Return rows, each at most once, whose labels have shares that are drawn from a flat Dirichlet distribution."""
    counts = np.bincount(labels, minlength=number)
    there = np.flatnonzero(counts)
    shares = chance.dirichlet(np.ones(len(there)))
    # As many texts as the rarest label (in proportion) allows, but at least a quarter.
    total = max(len(labels) // 4, int(min(counts[there] / np.maximum(shares, 1e-3))))
    wanted = {label: min(counts[label], round(share * total)) for label, share in zip(there, shares)}
    rows = [chance.permutation(np.flatnonzero(labels == label))[:count] for label, count in wanted.items()]
    return np.sort(np.concatenate(rows))


class Data(NamedTuple):
    """Features [n, features], log-odds of the accuracy [n] and of the source's [n], tasks [n], start [features]."""

    features: Floats
    target: Floats
    anchor: Floats
    tasks: NDArray[np.str_]
    start: Floats


def make_data(cases: Sequence[Case], names: Sequence[str], anchored: bool) -> Data:
    rows = []
    for case in cases:
        features = make_features(case.sums, case.source if anchored else None)
        rows.append([features[name] for name in names])
    anchor = [log_odds(case.source.accuracy, case.source.sums.n) if anchored else 0.0 for case in cases]
    return Data(
        np.array(rows),
        np.array([log_odds(case.accuracy, case.n) for case in cases]),
        np.array(anchor),
        np.array([case.task for case in cases]),
        np.array([{"confidence": 0.5 if "certain" in names else 1.0, "certain": 0.5}.get(name, 0.0) for name in names]),
    )


def task_weights(tasks: NDArray[np.str_]) -> Floats:
    """Return weights with which all tasks count the same."""
    names, inverse, counts = np.unique(tasks, return_inverse=True, return_counts=True)
    return np.asarray(len(tasks) / (len(names) * counts[inverse]))


def fit(data: Data, rows: NDArray[np.bool_]) -> Floats:
    """Return the weights of the features."""
    features, weights = data.features[rows], task_weights(data.tasks[rows])
    scale = np.sqrt((weights[:, None] * features**2).mean(axis=0)) + 1e-9
    ridge = Ridge(alpha=PENALTY * len(features), fit_intercept=False)
    ridge.fit(features / scale, (data.target - data.anchor)[rows] - features @ data.start, sample_weight=weights)
    return np.asarray(data.start + ridge.coef_ / scale)


def leave_task_out(data: Data, without: Optional[str] = None) -> Floats:
    """Return the estimated log-odds of each case by a fit on the other tasks; without: a task that is never used."""
    estimates = np.full(len(data.target), np.nan)
    for task in np.unique(data.tasks):
        if task != without:
            rows = (data.tasks != task) & (data.tasks != without)
            estimates[data.tasks == task] = data.features[data.tasks == task] @ fit(data, rows)
    return estimates + data.anchor


def make_interval(
    estimates: Floats, data: Data, cases: Sequence[Case], anchored: bool
) -> tuple[dict[str, float], float]:
    """Return the variances and the quantile of the intervals, from estimates of tasks that were left out."""
    known = np.isfinite(estimates)
    errors = (data.target - estimates)[known]
    weights = task_weights(data.tasks[known])
    terms: list[dict[str, float]] = []
    sampling = []
    for row in np.flatnonzero(known).tolist():
        source = cases[row].source if anchored else None
        features = make_features(cases[row].sums, source)
        terms.append(variance_terms(features))
        sampling.append(sampling_variances(estimates[row], cases[row].sums, source))
    columns = np.array([list(each.values()) for each in terms])
    scale = np.sqrt(weights)[:, None]
    found, _ = nnls(columns * scale, (errors**2 - sampling) * scale[:, 0])
    ratios = np.abs(errors) / np.sqrt(columns @ found + sampling)
    variances = {name: round(float(value), 4) for name, value in zip(terms[0], found)}
    # The widest, so that the intervals also hold for few texts and for another label prior.
    kinds = np.array([f"{case.prior} {case.small}" for case in cases])[known]
    return variances, max(_quantile(ratios[kinds == kind], weights[kinds == kind]) for kind in np.unique(kinds))


def _quantile(values: Floats, weights: Floats) -> float:
    """The weighted quantile at LEVEL."""
    order = np.argsort(values)
    cumulated = np.cumsum(weights[order]) / weights.sum()
    return round(float(values[order][np.searchsorted(cumulated, LEVEL)]), 4)


def measure(cases: Sequence[Case], names: Sequence[str], anchored: bool) -> tuple[list[Any], Regression]:
    """Return what is estimated for each case without its task, and the regression that all tasks give."""
    data = make_data(cases, names, anchored)
    found: list[Any] = [None] * len(cases)
    for task in np.unique(data.tasks):
        interval = make_interval(leave_task_out(data, without=task), data, cases, anchored)
        weights = dict(zip(names, fit(data, data.tasks != task).tolist()))
        regression = Regression(weights, *interval)
        for row in np.flatnonzero(data.tasks == task).tolist():
            found[row] = apply_to(regression, cases[row], anchored)
    everything = np.ones(len(cases), dtype=bool)
    final = Regression(
        {name: round(float(weight), 5) for name, weight in zip(names, fit(data, everything))},
        *make_interval(leave_task_out(data), data, cases, anchored),
    )
    return found, final


def apply_to(regression: Regression, case: Case, anchored: bool) -> Expected:
    return apply(regression, case.sums, case.source if anchored else None)


def summarize(cases: Sequence[Case], accuracies: Sequence[float], intervals: Optional[Sequence[Any]] = None) -> Any:
    """Return the mean absolute error, the mean error and the coverage, each as a mean over tasks."""
    tasks = np.array([case.task for case in cases])
    errors = np.array(accuracies) - np.array([case.accuracy for case in cases])
    weights = task_weights(tasks)
    row = {
        "cases": len(cases),
        "error": round(float(np.average(np.abs(errors), weights=weights)), 4),
        "bias": round(float(np.average(errors, weights=weights)), 4),
    }
    if intervals is not None:
        inside = [low <= case.accuracy <= high for case, (low, high) in zip(cases, intervals)]
        row["coverage"] = round(float(np.average(inside, weights=weights)), 4)
        row["width"] = round(float(np.average([high - low for low, high in intervals], weights=weights)), 4)
    return row


def baselines(cases: Sequence[Case]) -> dict[str, list[float]]:
    """Return the estimates of three methods that are not fitted."""
    return {
        "mean confidence": [case.raw.highest / case.n for case in cases],
        "mean confidence at the temperature of the source": [case.sums.highest / case.n for case in cases],
        "ATC on entropy": [case.atc for case in cases],
    }


def choose(cases: Sequence[Case], **values: Any) -> list[int]:
    return [
        row for row, case in enumerate(cases) if all(getattr(case, name) == value for name, value in values.items())
    ]


def damage(cases: Sequence[Case], accuracies: Sequence[float]) -> list[dict[str, Any]]:
    """Return, for models that were made worse, the mean drop of the accuracy and of the estimate.

    `damaged` adds noise to the embeddings of the other languages, so the source's accuracy stays the same. The others
    train the head on wrong labels or on 8 texts of each label.
    """
    place: dict[tuple[str, ...], int] = {
        (c.task, c.encoder, c.head, c.kind, c.language): row for row, c in enumerate(cases)
    }
    rows = []
    for name, head, kind in (
        ("noise in the embeddings", "all", "damaged"),
        ("3 of 10 labels wrong", "noisy", "plain"),
        ("8 texts per label", "8", "plain"),
    ):
        true, estimated = [], []
        for (task, encoder, other_head, other_kind, *rest), row in place.items():
            better = place.get((task, encoder, "all", "plain", *rest))
            if (other_head, other_kind) == (head, kind) and better is not None:
                true.append(cases[better].accuracy - cases[row].accuracy)
                estimated.append(accuracies[better] - accuracies[row])
        drops = np.array(true), np.array(estimated)
        large = drops[0] >= 0.1
        rows.append(
            {
                "model": name,
                "pairs": len(true),
                "drop": round(float(drops[0].mean()), 4),
                "estimated_drop": round(float(drops[1].mean()), 4),
                "large_drops": int(large.sum()),
                "seen": round(float((drops[1][large] > 0.03).mean()), 4) if large.any() else None,
            }
        )
    return rows


def main() -> None:
    everything = read_cases()
    cases = [case for case in everything if case.task not in STRESS]
    whole = [row for row, case in enumerate(cases) if case.prior == "data" and not case.small]
    made_worse = {row for row in whole if cases[row].is_worse}
    subsets = {
        "all texts": whole,
        "all texts, sound models": [row for row in whole if row not in made_worse],
        f"{SMALL} texts": [row for row, case in enumerate(cases) if case.small],
        "other label prior": choose(cases, prior="shifted"),
    }
    methods: list[dict[str, Any]] = []
    for name, accuracies in baselines(cases).items():
        methods.append({"method": name, **of_subsets(cases, subsets, accuracies)})
    regressions, best = {}, {}
    variants = [*((True, *each) for each in ANCHORED.items()), *((False, *each) for each in ALONE.items())]
    for anchored, name, names in variants:
        found, regression = measure(cases, names, anchored)
        accuracies, intervals = [each.accuracy for each in found], [each.interval for each in found]
        if anchored:
            label = f"ridge: {name}"
        else:
            label = f"ridge without figures of the source: {', '.join(names[1:])}"
        methods.append({"method": label, **of_subsets(cases, subsets, accuracies, intervals)})
        if name == CHOSEN:
            key = "source" if anchored else "alone"
            best[key] = (accuracies, intervals)
            regressions[key] = vars(regression)
    accuracies, intervals = best["source"]
    tasks = []
    for task in sorted({case.task for case in cases}):
        rows = [row for row in whole if cases[row].task == task]
        found = [Expected(accuracies[row], intervals[row]) for row in rows]
        tasks.append(of_task(task, [cases[row] for row in rows], found))
    for task in STRESS:
        part = [case for case in everything if case.task == task and case.prior == "data" and not case.small]
        if part:
            found = [apply_to(Regression(**regressions["source"]), case, True) for case in part]
            tasks.append({**of_task(task, part, found), "stress": True})
    worse = damage([cases[row] for row in whole], [accuracies[row] for row in whole])
    document = {"tasks": tasks, "methods": methods, "worse_models": worse, "regressions": regressions}
    where = machine()
    made_by = {"made_by": "benchmarks/estimate.py", "date": where["date"], "cases": len(cases)}
    fitted = [row["task"] for row in tasks if "stress" not in row]
    write_json({**made_by, "tasks": fitted, "regressions": regressions}, FILE)
    write_results("estimate", {**document, "machine": where}, markdown(document))


def of_task(task: str, part: Sequence[Case], found: Sequence[Expected]) -> dict[str, Any]:
    return {
        "task": task,
        "labels": len(part[0].sums.predicted),
        "languages": len({case.language for case in part}),
        "models": len({(case.encoder, case.head, case.kind) for case in part}),
        "accuracy": round(float(np.mean([case.accuracy for case in part])), 4),
        **summarize(part, [each.accuracy for each in found], [each.interval for each in found]),
    }


def of_subsets(cases: Sequence[Case], subsets: dict[str, list[int]], accuracies: Any, intervals: Any = None) -> Any:
    return {
        name: summarize(
            [cases[row] for row in rows],
            [accuracies[row] for row in rows],
            None if intervals is None else [intervals[row] for row in rows],
        )
        for name, rows in subsets.items()
    }


def markdown(document: dict[str, Any]) -> str:
    """Return the tables of the results."""
    names = list(document["methods"][0])[1:]
    lines = [
        "Mean absolute error of the estimated accuracy, and share of the 90% intervals that contain the accuracy. "
        "The task is left out of the fit. Tasks count the same.",
        "",
        f"| method | {' | '.join(f'{name}: error | coverage' for name in names)} |",
        "|---|" + "---|" * (2 * len(names)),
    ]
    for row in document["methods"]:
        cells = [cell for name in names for cell in (f"{row[name]['error']:.3f}", _cell(row[name].get("coverage")))]
        lines.append(f"| {row['method']} | {' | '.join(cells)} |")
    lines += ["", "By task, all texts of each language:", ""]
    lines += [
        "| task | labels | languages | models | accuracy | error | bias | coverage | width |",
        "|---|" + "---|" * 8,
    ]
    for row in document["tasks"]:
        counts = [f"{row[key]}" for key in ("labels", "languages", "models")]
        shares = [f"{row[key]:.3f}" for key in ("accuracy", "error", "bias", "coverage", "width")]
        name = f"{row['task']} (not fitted on)" if "stress" in row else row["task"]
        lines.append(f"| {' | '.join([name, *counts, *shares])} |")
    lines += ["", "Models that were made worse, compared with the same model trained on all texts:", ""]
    lines += ["| model | pairs | drop | estimated drop | drops of .1 or more | of these seen |", "|---|" + "---|" * 5]
    for row in document["worse_models"]:
        lines.append(
            f"| {row['model']} | {row['pairs']} | {row['drop']:.3f} | {row['estimated_drop']:.3f} | "
            f"{row['large_drops']} | {_cell(row['seen'])} |"
        )
    return "\n".join(lines)


def _cell(share: Optional[float]) -> str:
    return "–" if share is None else f"{share:.3f}"


if __name__ == "__main__":
    main()
