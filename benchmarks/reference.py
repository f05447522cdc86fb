"""Check the figures of `xlt evaluate` and `xlt compare` against scikit-learn and against simulations with known truth.

    python benchmarks/reference.py [METRICS.json ...]

- Figures: accuracy, macro-F1, precision, recall and F1 of each label, the confusion matrix and the reliability bins are
  computed by scikit-learn from the predictions of metrics documents: of simulated models, which are written and read
  as JSON, and of the files that are named.
- Intervals: test sets are drawn from known confusion matrices. The 95% intervals of accuracy, macro-F1 and the gap of
  two languages should contain the true figures 95% of the time.
- Comparison: pairs of models are drawn that are equally good, or one of which is worse by a known amount.

Writes benchmarks/results/reference.{json,md}.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from common import write_results
from numpy.typing import NDArray
from sklearn.calibration import calibration_curve
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_recall_fscore_support

from spacy_xlt.evaluation.document import Figures, Prediction
from spacy_xlt.evaluation.figures import by_language
from spacy_xlt.evaluation.intervals import difference_interval, wilson
from spacy_xlt.evaluation.metrics import accuracy, label_figures, macro_f1
from spacy_xlt.evaluation.report import Report
from spacy_xlt.evaluation.significance import holm, paired_test

Matrix = NDArray[np.float64]
LANGUAGES = ("en", "de", "sw", "zh")
# The number of labels, the accuracy, how much rarer each label is than the one before, and the number of texts.
SETTINGS = [
    (labels, share, ratio, n)
    for labels, share, ratio in ((2, 0.92, 1.0), (3, 0.65, 1.0), (7, 0.85, 1.0), (7, 0.7, 0.8), (7, 0.92, 0.8))
    for n in (99, 204, 870)
]
DRAWS = 1000
RESAMPLES = 400
# Comparisons: languages, texts of each, accuracy, and how much texts are difficult for one model in all languages.
COMPARED, TEXTS, ACCURACY, HARD = 14, 204, 0.85, 0.4
PAIRS = 400
TOLERANCE = 1e-9


def draw_report(seed: int, labels: int, n: int) -> Report:
    """Draw the predictions of a model that is less accurate in each further language, and make its report."""
    chance = np.random.default_rng(seed)
    names = [f"label {number}" for number in range(labels)]
    languages = [code for code in LANGUAGES for _ in range(n)]
    gold = chance.integers(0, labels, len(languages))
    noise = np.repeat(np.linspace(0.8, 1.6, len(LANGUAGES)), n)[:, None]
    scores = 2.0 * np.eye(labels)[gold] + noise * chance.normal(size=(len(gold), labels))
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    predicted = probabilities.argmax(axis=1)
    figures: Figures = by_language(
        gold, predicted, languages, languages, labels=names, source="en", probabilities=probabilities
    )
    predictions = [
        Prediction(
            digest=f"{code} {row}",
            language=code,
            gold=[names[gold[row]]],
            predicted=[names[predicted[row]]],
            confidence=float(probabilities[row].max()),
            detected=code,
        )
        for row, code in enumerate(languages)
    ]
    return Report(
        model=f"simulated {seed}",
        data=[],
        source="en",
        labels=names,
        n=len(languages),
        multilabel=False,
        languages=figures.languages,
        mean=figures.mean,
        predictions=predictions,
    )


def largest_difference(report: Report) -> float:
    """Return the largest absolute difference between the figures of a report and those of scikit-learn."""
    worst = 0.0
    for code, ours in report.languages.items():
        rows = [each for each in report.predictions or [] if each.language == code]
        gold, predicted = ([value for each in rows for value in getattr(each, name)] for name in ("gold", "predicted"))
        pairs = [
            (ours.accuracy, accuracy_score(gold, predicted)),
            (ours.macro_f1, f1_score(gold, predicted, average="macro")),
        ]
        names = list(ours.labels or {})
        theirs = precision_recall_fscore_support(gold, predicted, labels=names, zero_division=0)
        for column, each in enumerate((ours.labels or {}).values()):
            pairs += zip((each.precision, each.recall, each.f1, each.n), (float(values[column]) for values in theirs))
        counts = confusion_matrix(gold, predicted, labels=report.labels)
        for row, name in enumerate(report.labels):
            of_label = (ours.confusion or {}).get(name, {})
            pairs += [(of_label.get(other, 0), int(counts[row, place])) for place, other in enumerate(report.labels)]
        correct = [each.correct for each in rows]
        confidence = np.array([each.confidence for each in rows])
        shares, means = calibration_curve(correct, confidence, n_bins=10, strategy="uniform")
        assert ours.calibration is not None
        bins = ours.calibration.bins
        pairs += [(each.accuracy, share) for each, share in zip(bins, shares, strict=True)]
        pairs += [(each.confidence, mean) for each, mean in zip(bins, means, strict=True)]
        weights = np.array([each.n for each in bins]) / len(rows)
        pairs.append((ours.calibration.ece, float(weights @ np.abs(shares - means))))
        worst = max(worst, *(abs(mine - other) for mine, other in pairs))
    return worst


def check_figures(files: Sequence[str]) -> list[dict[str, Any]]:
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for seed, (labels, n) in enumerate(((2, 150), (7, 204), (20, 60))):
            path = Path(folder) / f"{seed}.json"
            draw_report(seed, labels, n).to_json(path)
            found.append({"document": f"simulated, {labels} labels", "n": 4 * n, **_difference(path)})
    found += [{"document": file, "n": Report.load(file).n, **_difference(Path(file))} for file in files]
    return found


def _difference(path: Path) -> dict[str, float]:
    return {"largest_difference": largest_difference(Report.load(path))}


def confusions(labels: int, share: float, ratio: float) -> Matrix:
    """Return the probabilities of (gold, predicted), [labels, labels]."""
    prior = ratio ** np.arange(labels)
    rows = np.full((labels, labels), (1 - share) / (labels - 1))
    np.fill_diagonal(rows, share)
    return rows * (prior / prior.sum())[:, None]


def true_macro_f1(matrix: Matrix) -> float:
    return float((2 * np.diag(matrix) / (matrix.sum(axis=0) + matrix.sum(axis=1))).mean())


def coverage(labels: int, share: float, ratio: float, n: int) -> dict[str, Any]:
    """Return how often the intervals contain the truth."""
    chance = np.random.default_rng(labels * n)
    matrix = confusions(labels, share, ratio)
    names = [str(number) for number in range(labels)]
    other = share - 0.1
    hits = dict.fromkeys(("accuracy", "macro_f1", "gap"), 0)
    for _ in range(DRAWS):
        cells = chance.choice(labels * labels, size=n, p=matrix.ravel())
        gold, predicted = np.divmod(cells, labels)
        mine = accuracy(gold, predicted)
        interval = wilson(mine, n)
        hits["accuracy"] += interval[0] <= share <= interval[1]
        _, (low, high) = label_figures(gold, predicted, names, resamples=RESAMPLES)
        assert low <= macro_f1(gold, predicted) <= high
        hits["macro_f1"] += low <= true_macro_f1(matrix) <= high
        second = chance.binomial(n, other) / n
        low, high = difference_interval(mine, interval, second, wilson(second, n))
        hits["gap"] += low <= share - other <= high
    return {
        "labels": labels,
        "accuracy": share,
        "ratio": ratio,
        "n": n,
        **{f"covered_{name}": count / DRAWS for name, count in hits.items()},
    }


def compared(hard: float, drop_in_one: float, drop_in_all: float) -> dict[str, float]:
    """Return how often a second model is called worse or better, in a language or overall."""
    chance = np.random.default_rng(0)
    worse = better = 0
    for _ in range(PAIRS):
        drops = np.full(COMPARED, drop_in_all)
        drops[0] += drop_in_one
        first, second = (
            chance.random((COMPARED, TEXTS)) + hard * chance.normal(size=TEXTS) < ACCURACY - lost[:, None]
            for lost in (np.zeros(COMPARED), drops)
        )
        gains = (second.astype(float) - first) / TEXTS
        tests = [paired_test(row, resamples=2000) for row in gains]
        overall = paired_test(gains.mean(axis=0), resamples=2000)
        p_values = [*holm([each.p for each in tests]), overall.p]
        verdicts = [np.sign(each.difference) * (2 * p <= 0.05) for each, p in zip([*tests, overall], p_values)]
        worse += min(verdicts) < 0
        better += max(verdicts) > 0
    return {"worse": worse / PAIRS, "better": better / PAIRS}


def main() -> None:
    figures = check_figures(sys.argv[1:])
    print(figures, flush=True)
    rows = []
    for setting in SETTINGS:
        rows.append(coverage(*setting))
        print(rows[-1], flush=True)
    comparisons: list[dict[str, Any]] = []
    cases = {
        "equal models": (0.0, 0.0, 0.0),
        "equal models, each with its own weak spots in all languages": (HARD, 0.0, 0.0),
        "15 points worse in one language": (0.0, 0.15, 0.0),
        "2 points worse in all languages": (0.0, 0.0, 0.02),
    }
    for title, case in cases.items():
        comparisons.append({"case": title, **compared(*case)})
        print(comparisons[-1], flush=True)
    lines = ["| Metrics document | n | Largest difference to scikit-learn |", "|---|---:|---:|"]
    lines += [f"| {each['document']} | {each['n']} | {each['largest_difference']:.1e} |" for each in figures]
    lines += [
        "",
        "| Labels | Accuracy | Rarer by | n | Accuracy covered | Macro-F1 covered | Gap covered |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row['labels']} | {row['accuracy']:.2f} | {row['ratio']:.1f} | {row['n']} | "
        + " | ".join(f"{100 * row[f'covered_{name}']:.1f}" for name in ("accuracy", "macro_f1", "gap"))
        + " |"
        for row in rows
    ]
    means = {name: np.mean([row[f"covered_{name}"] for row in rows]) for name in ("accuracy", "macro_f1", "gap")}
    lines.append(f"| mean | | | | {' | '.join(f'{100 * mean:.1f}' for mean in means.values())} |")
    lines += ["", f"| {COMPARED} languages of {TEXTS} texts | Called worse | Called better |", "|---|---:|---:|"]
    lines += [f"| {each['case']} | {100 * each['worse']:.1f} | {100 * each['better']:.1f} |" for each in comparisons]
    write_results(
        "reference",
        {"figures": figures, "coverage": rows, "comparisons": comparisons, "draws": DRAWS, "pairs": PAIRS},
        "\n".join(lines),
    )
    assert all(each["largest_difference"] <= TOLERANCE for each in figures)


if __name__ == "__main__":
    main()
