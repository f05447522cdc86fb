"""The figures of each language, and their mean over the target languages."""

from collections.abc import Mapping, Sequence
from typing import Any, Optional

import numpy as np
import numpy.typing as npt

from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.calibration import calibration
from spacy_xlt.evaluation.document import Calibration, Figures, LanguageFigures, MeanFigures
from spacy_xlt.evaluation.intervals import difference_interval, wilson
from spacy_xlt.evaluation.metrics import RESAMPLES, Floats, accuracy, confusion, label_figures, macro_f1, matrices

DIGITS = 10


def by_language(
    gold: npt.ArrayLike,
    predicted: npt.ArrayLike,
    languages: Sequence[str],
    detected: Optional[Sequence[str]],
    *,
    labels: Sequence[str],
    source: str,
    probabilities: Optional[npt.ArrayLike] = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Figures:
    """Compute the figures of each language, and their mean over the target languages.

    Every target language has the same weight in the mean, whatever its number of texts. Figures are rounded to ten
    digits.

    Args:
        gold: The gold labels, `[n]` integers or `[n, labels]` booleans.
        predicted: The predicted labels, in the same form.
        languages: The gold language of each text.
        detected: The detected language of each text, or None without language detection.
        labels: The labels of the classifier.
        source: The source language. If it has no texts, every gap is None.
        probabilities: The probabilities of the labels, `[n, labels]`, for the calibration. None: no calibration.
        resamples: The number of bootstrap resamples.
        seed: The seed of the bootstrap.

    Raises:
        XltError: The input is empty, lengths differ, a label index is out of range, or a text has no language.
    """
    gold, predicted = np.asarray(gold), np.asarray(predicted)
    _check_labels(gold, "gold", labels)
    _check_labels(predicted, "predicted", labels)
    matrices(gold, predicted)
    _check_languages(languages, "languages", len(gold))
    if detected is not None:
        _check_languages(detected, "detected", len(gold))

    codes = np.asarray(languages, dtype=object)
    found = None if detected is None else np.asarray(detected, dtype=object)
    shares = None if probabilities is None else np.asarray(probabilities, dtype=np.float64)
    figures: dict[str, dict[str, Any]] = {}
    for code in sorted(set(languages), key=lambda code: (code != source, code)):
        rows = codes == code
        # All languages use the same seed, so adding or removing one does not change the intervals of the others.
        of_labels, interval = label_figures(gold[rows], predicted[rows], labels, resamples=resamples, seed=seed)
        share = accuracy(gold[rows], predicted[rows])
        figures[code] = {
            "n": int(rows.sum()),
            "accuracy": share,
            "macro_f1": macro_f1(gold[rows], predicted[rows]),
            "ci95": wilson(share, int(rows.sum())),
            "macro_f1_ci95": interval,
            "langid_accuracy": None if found is None else float((found[rows] == code).mean()),
            "labels": of_labels,
            "confusion": confusion(gold[rows], predicted[rows], labels) if gold.ndim == 1 else None,
            "calibration": None if shares is None else _calibrate(gold[rows], predicted[rows], shares[rows]),
        }
    _add_gaps(figures, source)
    return Figures(
        languages={code: LanguageFigures(**_rounded(figure)) for code, figure in figures.items()},
        mean=MeanFigures(**_rounded(mean_of([figure for code, figure in figures.items() if code != source]))),
    )


def mean_of(figures: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the fields of `MeanFigures`: the unweighted mean of the figures of languages.

    Args:
        figures: The fields of `LanguageFigures` of each language. A figure that is None does not count.
    """
    mean: dict[str, Any] = {"languages": len(figures)}
    for key in ("accuracy", "macro_f1", "gap", "langid_accuracy"):
        known = [figure[key] for figure in figures if figure[key] is not None]
        mean[key] = sum(known) / len(known) if known else None
    return mean


def _calibrate(gold: npt.NDArray[Any], predicted: npt.NDArray[Any], probabilities: Floats) -> Calibration:
    if gold.ndim == 2:
        return calibration(probabilities.ravel(), gold.ravel())
    return calibration(probabilities.max(axis=1), gold == predicted)


def _add_gaps(figures: dict[str, dict[str, Any]], source: str) -> None:
    own = figures.get(source)
    for code, figure in figures.items():
        figure["gap"] = own["accuracy"] - figure["accuracy"] if own else None
        figure["gap_ci95"] = None
        if own and code != source:
            figure["gap_ci95"] = difference_interval(own["accuracy"], own["ci95"], figure["accuracy"], figure["ci95"])


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
