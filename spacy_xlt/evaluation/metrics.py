"""Accuracy and macro-F1 with confidence intervals, for each language.

All functions take the gold labels and the predicted labels in one of two forms:

- single-label: two integer arrays `[n]` of label indices;
- multilabel: two boolean arrays `[n, labels]` that are true where a label applies.
"""

from collections.abc import Sequence
from typing import Any, Optional

import numpy as np
import numpy.typing as npt

from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.document import Figures, LanguageFigures, MeanFigures

RESAMPLES = 1000
DIGITS = 4

Interval = tuple[float, float]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def accuracy(gold: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Return the share of texts with the correct label.

    Multilabel, a text counts only if all its labels are correct (exact match).

    Args:
        gold: The gold labels, `[n]` integers or `[n, labels]` booleans.
        predicted: The predicted labels, in the same form.

    Raises:
        XltError: The arrays are empty, or their shapes differ.
    """
    gold_matrix, predicted_matrix = _matrices(gold, predicted)
    return float(_exact(gold_matrix, predicted_matrix).mean())


def macro_f1(gold: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Return the unweighted mean of the F1 scores of the labels.

    Only labels that occur in `gold` or `predicted` count. Single-label, this is scikit-learn's
    `f1_score(average="macro")`. Multilabel, it is the same function with `labels` set to the columns that occur:
    without that, scikit-learn scores every label that the test set of a language lacks as 0.

    Args:
        gold: The gold labels, `[n]` integers or `[n, labels]` booleans.
        predicted: The predicted labels, in the same form.

    Returns:
        The mean, or 0 if no label occurs.

    Raises:
        XltError: The arrays are empty, or their shapes differ.
    """
    gold_matrix, predicted_matrix = _matrices(gold, predicted)
    return float(_macro_f1(np.ones((1, len(gold_matrix))), gold_matrix, predicted_matrix)[0])


def bootstrap(
    gold: npt.ArrayLike, predicted: npt.ArrayLike, *, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[Interval, Interval]:
    """Return the 95% bootstrap confidence intervals of accuracy and macro-F1.

    The macro-F1 of a resample covers the labels that occur in it. The result does not depend on the order of the texts.

    Args:
        gold: The gold labels, `[n]` integers or `[n, labels]` booleans.
        predicted: The predicted labels, in the same form.
        resamples: The number of resamples.
        seed: The seed of the random numbers.

    Raises:
        XltError: The arrays are empty, or their shapes differ.

    References:
        Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 13 (percentile intervals).
    """
    gold_matrix, predicted_matrix = _matrices(gold, predicted)
    # Both metrics depend only on how often each pair (gold, predicted) occurs. So we draw the counts of the distinct
    # pairs from a multinomial distribution instead of drawing texts. The distribution is the same and far fewer
    # numbers are needed.
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
    detected: Optional[Sequence[str]],
    *,
    labels: Sequence[str],
    source: str,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Figures:
    """Compute the figures of each language, and their mean over the target languages.

    Every target language has the same weight in the mean, whatever its number of texts. Figures are rounded to four
    digits.

    Args:
        gold: The gold labels, `[n]` integers or `[n, labels]` booleans.
        predicted: The predicted labels, in the same form.
        languages: The gold language of each text.
        detected: The detected language of each text, or None without language detection.
        labels: The labels of the classifier.
        source: The source language. If it has no texts, every gap is None.
        resamples: The number of bootstrap resamples.
        seed: The seed of the bootstrap.

    Raises:
        XltError: The input is empty, lengths differ, a label index is out of range, or a text has no language.
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
        # All languages use the same seed, so adding or removing one does not change the intervals of the others.
        intervals = bootstrap(gold[rows], predicted[rows], resamples=resamples, seed=seed)
        figures[code] = {
            "n": int(rows.sum()),
            "accuracy": accuracy(gold[rows], predicted[rows]),
            "macro_f1": macro_f1(gold[rows], predicted[rows]),
            "ci95": intervals[0],
            "macro_f1_ci95": intervals[1],
            "langid_accuracy": None if found is None else float((found[rows] == code).mean()),
        }
    for figure in figures.values():
        figure["gap"] = figures[source]["accuracy"] - figure["accuracy"] if source in figures else None

    targets = [figure for code, figure in figures.items() if code != source]
    mean: dict[str, Any] = {"languages": len(targets)}
    for key in ("accuracy", "macro_f1", "gap", "langid_accuracy"):
        mean[key] = _mean([figure[key] for figure in targets])
    return Figures(
        languages={code: LanguageFigures(**_rounded(figure)) for code, figure in figures.items()},
        mean=MeanFigures(**_rounded(mean)),
    )


def _matrices(gold: npt.ArrayLike, predicted: npt.ArrayLike) -> tuple[Bools, Bools]:
    """Return both inputs as boolean matrices `[n, labels that occur]`."""
    gold, predicted = np.asarray(gold), np.asarray(predicted)
    if gold.shape != predicted.shape:
        raise XltError(
            f"gold has the shape {gold.shape} and predicted has the shape {predicted.shape}. "
            "Both need one row for each text."
        )
    if gold.size == 0:
        raise XltError("gold and predicted are empty. Evaluate at least one text.")
    if gold.ndim == 2 and gold.dtype == predicted.dtype == np.bool_:
        return gold, predicted
    if gold.ndim == 1 and np.issubdtype(gold.dtype, np.integer) and np.issubdtype(predicted.dtype, np.integer):
        occurring = np.union1d(gold, predicted)
        return gold[:, None] == occurring, predicted[:, None] == occurring
    raise XltError(
        f"gold is {gold.ndim}-dimensional {gold.dtype} and predicted is {predicted.ndim}-dimensional "
        f"{predicted.dtype}. Pass two integer arrays [n] of label indices, or two boolean arrays [n, labels]."
    )


def _exact(gold: Bools, predicted: Bools) -> Bools:
    return np.asarray((gold == predicted).all(axis=1))


def _macro_f1(weights: Floats, gold: Bools, predicted: Bools) -> Floats:
    """Return one macro-F1 for each row of `weights` [resamples, n], which says how often each text counts."""
    hits = weights @ (gold & predicted)
    marks = weights @ (gold.astype(np.float64) + predicted)  # for each label: its count in gold plus in predicted
    occurs = marks > 0
    f1 = np.divide(2 * hits, marks, out=np.zeros_like(marks), where=occurs)
    return np.asarray(f1.sum(axis=1) / np.maximum(occurs.sum(axis=1), 1))


def _percentile_interval(values: Floats) -> Interval:
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def _mean(values: Sequence[Optional[float]]) -> Optional[float]:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _rounded(figures: dict[str, Any]) -> dict[str, Any]:
    return {key: _round(value) for key, value in figures.items()}


def _round(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_round, value))
    # Adding 0.0 turns -0.0 into 0.0.
    return round(value, DIGITS) + 0.0 if isinstance(value, float) else value


def _check_labels(ids: npt.NDArray[Any], what: str, labels: Sequence[str]) -> None:
    if not len(labels):
        raise XltError("labels is empty. Pass the labels of the classifier.")
    if ids.ndim == 2 and ids.shape[1] != len(labels):
        raise XltError(f"{what} has {ids.shape[1]} columns for {len(labels)} labels. Pass one column for each label.")
    if ids.ndim == 1 and np.issubdtype(ids.dtype, np.integer):
        wrong = np.flatnonzero((ids < 0) | (ids >= len(labels)))
        if len(wrong):
            row = int(wrong[0])
            raise XltError(
                f"{what}[{row}] is the label index {int(ids[row])}, but there are {len(labels)} labels "
                f"(0 to {len(labels) - 1}). Use the labels that the model was trained on."
            )


def _check_languages(codes: Sequence[str], what: str, expected: int) -> None:
    if len(codes) != expected:
        raise XltError(f"{what} has {len(codes)} entries for {expected} texts. Pass one language for each text.")
    for row, code in enumerate(codes):
        if not isinstance(code, str) or not code:
            raise XltError(f"{what}[{row}] is {code!r}. Pass a language code, or 'xx' if the language is unknown.")
