"""Accuracy, F1 scores and the confusion matrix of predicted labels.

All functions take the gold labels and the predicted labels in one of two forms:

- single-label: two integer arrays `[n]` of label indices;
- multilabel: two boolean arrays `[n, labels]` that are true where a label applies.
"""

from collections.abc import Sequence
from typing import Optional

import numpy as np
import numpy.typing as npt

from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.document import LabelFigures
from spacy_xlt.evaluation.intervals import Interval, wilson_of_resamples

RESAMPLES = 1000

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
    gold_matrix, predicted_matrix = matrices(gold, predicted)
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
    gold_matrix, predicted_matrix = matrices(gold, predicted)
    return float(_macro(*_f1_scores(np.ones((1, len(gold_matrix))), gold_matrix, predicted_matrix))[0])


def label_figures(
    gold: npt.ArrayLike,
    predicted: npt.ArrayLike,
    labels: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[dict[str, LabelFigures], Interval]:
    """Return precision, recall and F1 of each label, and the 95% confidence interval of macro-F1.

    The result does not depend on the order of the texts.

    Args:
        gold: The gold labels, `[n]` integers or `[n, labels]` booleans.
        predicted: The predicted labels, in the same form.
        labels: The names of the labels.
        resamples: The number of bootstrap resamples, which give the variances of the F1 scores.
        seed: The seed of the random numbers.

    Returns:
        The figures of the labels that occur in `gold` or `predicted`, and the interval. The macro-F1 of a resample
        covers the labels that occur in it.

    Raises:
        XltError: The arrays are empty, or their shapes differ.
    """
    gold_matrix, predicted_matrix = matrices(gold, predicted, len(labels))
    total = len(gold_matrix)
    # F1 depends only on how often each pair (gold, predicted) occurs. So we draw the counts of the distinct pairs from
    # a multinomial distribution instead of drawing texts. The distribution is the same and it needs fewer numbers.
    pairs, counts = np.unique(np.hstack([gold_matrix, predicted_matrix]), axis=0, return_counts=True)
    pair_gold, pair_predicted = np.hsplit(pairs, 2)
    drawn = np.random.default_rng(seed).multinomial(total, counts / total, size=resamples).astype(np.float64)
    resampled, occurs = _f1_scores(drawn, pair_gold, pair_predicted)
    scores, scored = _f1_scores(np.ones((1, total)), gold_matrix, predicted_matrix)

    hits, golds, predictions = (
        matrix.sum(axis=0) for matrix in (gold_matrix & predicted_matrix, gold_matrix, predicted_matrix)
    )
    found = {}
    for column in np.flatnonzero(golds + predictions).tolist():
        f1 = float(scores[0, column])
        found[labels[column]] = LabelFigures(
            n=int(golds[column]),
            predicted=int(predictions[column]),
            precision=float(hits[column] / max(predictions[column], 1)),
            recall=float(hits[column] / max(golds[column], 1)),
            f1=f1,
            f1_ci95=wilson_of_resamples(f1, resampled[:, column], (golds[column] + predictions[column]) / 2),
        )
    value = float(_macro(scores, scored)[0])
    return found, wilson_of_resamples(value, _macro(resampled, occurs), total)


def confusion(gold: npt.ArrayLike, predicted: npt.ArrayLike, labels: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return {gold label: {predicted label: number of texts}} without zeros.

    Args:
        gold: The gold labels, `[n]` integers.
        predicted: The predicted labels, `[n]` integers.
        labels: The names of the labels.
    """
    pairs, counts = np.unique(np.stack([gold, predicted], axis=1), axis=0, return_counts=True)
    matrix: dict[str, dict[str, int]] = {}
    for (row, column), count in zip(pairs.tolist(), counts.tolist()):
        matrix.setdefault(labels[row], {})[labels[column]] = count
    return matrix


def matrices(gold: npt.ArrayLike, predicted: npt.ArrayLike, labels: Optional[int] = None) -> tuple[Bools, Bools]:
    """Return both inputs as boolean matrices.

    Args:
        gold: The gold labels, `[n]` integers or `[n, labels]` booleans.
        predicted: The predicted labels, in the same form.
        labels: The number of labels; None: only the labels that occur get a column.

    Raises:
        XltError: The arrays are empty, or their shapes or types differ.
    """
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
        occurring = np.union1d(gold, predicted) if labels is None else np.arange(labels)
        return gold[:, None] == occurring, predicted[:, None] == occurring
    raise XltError(
        f"gold is {gold.ndim}-dimensional {gold.dtype} and predicted is {predicted.ndim}-dimensional "
        f"{predicted.dtype}. Pass two integer arrays [n] of label indices, or two boolean arrays [n, labels]."
    )


def _exact(gold: Bools, predicted: Bools) -> Bools:
    return np.asarray((gold == predicted).all(axis=1))


def _f1_scores(weights: Floats, gold: Bools, predicted: Bools) -> tuple[Floats, Bools]:
    """Return the F1 scores [resamples, labels], and which labels occur in a resample.

    weights: [resamples, n], how often each text counts.
    """
    hits = weights @ (gold & predicted)
    marks = weights @ (gold.astype(np.float64) + predicted)  # for each label: its count in gold plus in predicted
    occurs = marks > 0
    return np.divide(2 * hits, marks, out=np.zeros_like(marks), where=occurs), occurs


def _macro(scores: Floats, occurs: Bools) -> Floats:
    """Return one macro-F1 for each resample."""
    return np.asarray(scores.sum(axis=1) / np.maximum(occurs.sum(axis=1), 1))
