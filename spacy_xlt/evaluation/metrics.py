"""Accuracy, macro-F1 and their intervals, per language: NumPy in, plain numbers out.

Every function takes gold and prediction in one of two shapes:

- single-label: two integer arrays of shape (n,), each value the index of a label;
- multilabel: two boolean arrays of shape (n, labels), true where a label applies.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spacy_xlt.errors import XltError

RESAMPLES = 1000
DIGITS = 4

Interval = tuple[float, float]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def accuracy(gold: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """The share of documents that are right; multilabel: right in every label (exact match).

    Raises XltError for empty input and for shapes that do not go together.
    """
    gold_matrix, predicted_matrix = _matrices(gold, predicted)
    return float(_exact(gold_matrix, predicted_matrix).mean())


def macro_f1(gold: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """The unweighted mean of the F1 of every label that occurs in the gold or in the prediction.

    Single-label this is scikit-learn's `f1_score(average="macro")`. Multilabel it is the same with
    `labels=` set to the columns that occur: scikit-learn would count a label that occurs nowhere as 0, and a
    language would be punished for the labels its test set lacks. If no label occurs at all, 0 (as in scikit-learn).
    Raises XltError for empty input and for shapes that do not go together.
    """
    gold_matrix, predicted_matrix = _matrices(gold, predicted)
    return float(_macro_f1(np.ones((1, len(gold_matrix))), gold_matrix, predicted_matrix)[0])


def bootstrap(
    gold: npt.ArrayLike, predicted: npt.ArrayLike, *, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[Interval, Interval]:
    """The 95% percentile bootstrap intervals (Efron & Tibshirani 1993, chapter 13) of accuracy and macro-F1.

    Documents are drawn with replacement; each resample's macro-F1 is over the labels that occur in it. The same
    documents in any order, with the same seed, give the same intervals.
    """
    gold_matrix, predicted_matrix = _matrices(gold, predicted)
    # Both figures depend only on how often each pair (gold, prediction) occurs. So we draw the counts of the distinct
    # pairs (a multinomial) instead of documents: the same distribution, and far fewer numbers.
    pairs, counts = np.unique(np.hstack([gold_matrix, predicted_matrix]), axis=0, return_counts=True)
    pair_gold, pair_predicted = np.hsplit(pairs, 2)
    total = len(gold_matrix)
    drawn = np.random.default_rng(seed).multinomial(total, counts / total, size=resamples).astype(np.float64)
    accuracies = drawn @ _exact(pair_gold, pair_predicted) / total
    return _percentile_interval(accuracies), _percentile_interval(_macro_f1(drawn, pair_gold, pair_predicted))


def by_language(
    gold: npt.ArrayLike,
    predicted: npt.ArrayLike,
    languages: Sequence[str],
    detected: Sequence[str] | None,
    *,
    labels: Sequence[str],
    source: str,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """The figures of every language and the mean of the targets: {"languages": {code: ...}, "mean": ...}.

    gold, predicted: integer arrays (n,) or boolean arrays (n, len(labels)). languages: the gold language of each
    document. detected: the detected one, or None if the pipeline detects none. source: the language trained on; if it
    is absent, every gap is None. The mean is over all languages but the source, each counted once whatever its size.
    Raises XltError for empty input, lengths that differ, ids outside `labels`, and documents without a language.
    """
    gold, predicted = np.asarray(gold), np.asarray(predicted)
    _check_labels(gold, "gold", labels)
    _check_labels(predicted, "predicted", labels)
    _matrices(gold, predicted)
    _check_languages(languages, "languages", len(gold))
    if detected is not None:
        _check_languages(detected, "detected", len(gold))

    codes = np.asarray(languages, dtype=object)
    found = None if detected is None else np.asarray(detected, dtype=object)
    figures: dict[str, dict[str, Any]] = {}
    for code in sorted(set(languages), key=lambda code: (code != source, code)):
        rows = codes == code
        # Every language starts from the same seed: adding or removing one changes no other's interval.
        intervals = bootstrap(gold[rows], predicted[rows], resamples=resamples, seed=seed)
        figures[code] = {
            "n": int(rows.sum()),
            "accuracy": accuracy(gold[rows], predicted[rows]),
            "macro_f1": macro_f1(gold[rows], predicted[rows]),
            "ci95": list(intervals[0]),
            "macro_f1_ci95": list(intervals[1]),
            "langid_accuracy": None if found is None else float((found[rows] == code).mean()),
        }
    for figure in figures.values():
        figure["gap"] = figures[source]["accuracy"] - figure["accuracy"] if source in figures else None

    targets = [figure for code, figure in figures.items() if code != source]
    mean: dict[str, Any] = {"languages": len(targets)}
    for key in ("accuracy", "macro_f1", "gap", "langid_accuracy"):
        mean[key] = _mean([figure[key] for figure in targets])
    return {"languages": {code: _rounded(figure) for code, figure in figures.items()}, "mean": _rounded(mean)}


def _matrices(gold: npt.ArrayLike, predicted: npt.ArrayLike) -> tuple[Bools, Bools]:
    """Both inputs as boolean matrices of shape (n, labels that may occur)."""
    gold, predicted = np.asarray(gold), np.asarray(predicted)
    if gold.shape != predicted.shape:
        raise XltError(
            f"gold has shape {gold.shape}, predicted has {predicted.shape}; both need one row for each document"
        )
    if gold.size == 0:
        raise XltError("there is nothing to evaluate: gold and predicted are empty; give at least one document")
    if gold.ndim == 2 and gold.dtype == predicted.dtype == np.bool_:
        return gold, predicted
    if gold.ndim == 1 and np.issubdtype(gold.dtype, np.integer) and np.issubdtype(predicted.dtype, np.integer):
        occurring = np.union1d(gold, predicted)
        return gold[:, None] == occurring, predicted[:, None] == occurring
    raise XltError(
        f"gold is {gold.ndim}-dimensional {gold.dtype}, predicted is {predicted.ndim}-dimensional {predicted.dtype}; "
        "give two integer arrays (n,) of label ids, or two boolean arrays (n, labels)"
    )


def _exact(gold: Bools, predicted: Bools) -> Bools:
    return np.asarray((gold == predicted).all(axis=1))


def _macro_f1(weights: Floats, gold: Bools, predicted: Bools) -> Floats:
    """One macro-F1 for each row of weights (resamples, n), which say how often each row of gold (n, labels) counts."""
    hits = weights @ (gold & predicted)
    marks = weights @ (gold.astype(np.float64) + predicted)  # per label: times in the gold + times in the prediction
    occurs = marks > 0
    f1 = np.divide(2 * hits, marks, out=np.zeros_like(marks), where=occurs)
    return np.asarray(f1.sum(axis=1) / np.maximum(occurs.sum(axis=1), 1))


def _percentile_interval(values: Floats) -> Interval:
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _rounded(figures: dict[str, Any]) -> dict[str, Any]:
    return {key: _round(value) for key, value in figures.items()}


def _round(value: Any) -> Any:
    if isinstance(value, list):
        return [_round(item) for item in value]
    # "+ 0.0" turns -0.0 into 0.0
    return round(value, DIGITS) + 0.0 if isinstance(value, float) else value


def _check_labels(ids: npt.NDArray[Any], what: str, labels: Sequence[str]) -> None:
    if not len(labels):
        raise XltError("labels is empty; give the labels of the classifier")
    if ids.ndim == 2 and ids.shape[1] != len(labels):
        raise XltError(f"{what} has {ids.shape[1]} columns, but there are {len(labels)} labels; give one column each")
    if ids.ndim == 1 and np.issubdtype(ids.dtype, np.integer):
        wrong = np.flatnonzero((ids < 0) | (ids >= len(labels)))
        if len(wrong):
            row = int(wrong[0])
            raise XltError(
                f"{what}[{row}] is label {int(ids[row])}, but there are {len(labels)} labels (0 to {len(labels) - 1}); "
                "evaluate with the labels the model was trained on"
            )


def _check_languages(codes: Sequence[str], what: str, expected: int) -> None:
    if len(codes) != expected:
        raise XltError(f"{what} has {len(codes)} entries, but there are {expected} documents; give one each")
    for row, code in enumerate(codes):
        if not isinstance(code, str) or not code:
            raise XltError(f"{what}[{row}] is {code!r}; give a language code, 'xx' if it is unknown")
