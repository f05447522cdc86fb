"""What the template of a report shows of labels and of probabilities: confusion matrices and reliability plots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Optional

from spacy_xlt.evaluation.document import Calibration, Metrics, ReliabilityBin
from spacy_xlt.evaluation.svg import reliability_plot
from spacy_xlt.evaluation.table import percent
from spacy_xlt.languages import name

# The names of the views that are not of a single language.
TARGETS, ALL = "targets", "all"
# With more labels, the most frequent confusions are listed instead of a matrix.
MATRIX_LABELS = 20
CONFUSIONS = 20

Counts = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Cell:
    """The number of texts with one gold and one predicted label; share: their share of the texts of the gold label."""

    n: int
    share: float
    kind: str


@dataclass(frozen=True)
class LabelRow:
    """The row of a gold label: its cells, its number of texts, and its precision, recall and F1 in this view."""

    label: str
    cells: list[Cell]
    n: int
    precision: Optional[float]
    recall: Optional[float]
    f1: Optional[float]


@dataclass(frozen=True)
class LabelView:
    """The labels in one language, or in several together; confusions: (gold, predicted, n), the most frequent first."""

    key: str
    title: str
    rows: list[LabelRow]
    confusions: list[tuple[str, str, int]]


@dataclass(frozen=True)
class CalibrationView:
    """The reliability plot of one language, or of several together."""

    key: str
    title: str
    ece: float
    plot: str
    alt: str


def label_views(metrics: Metrics) -> list[LabelView]:
    """Return the confusions of all languages together, and of each language. Empty if the document has none."""
    views = []
    for key, title, codes in _views(metrics):
        confusions = [metrics.languages[code].confusion for code in codes]
        known = [each for each in confusions if each]
        if known:
            views.append(_label_view(key, title, _sum(known), metrics.labels))
    return views


def calibration_views(metrics: Metrics) -> list[CalibrationView]:
    """Return the reliability of all languages together, and of each language. Empty if the document has none."""
    views = []
    for key, title, codes in _views(metrics):
        found = [metrics.languages[code].calibration for code in codes]
        known = [each for each in found if each is not None]
        if known:
            merged = merge_calibrations(known)
            plot = reliability_plot(merged.bins)
            views.append(CalibrationView(key, title, merged.ece, plot, _describe(title, merged)))
    return views


def merge_calibrations(parts: Sequence[Calibration]) -> Calibration:
    """Return the calibration of the predictions of several languages together."""
    bins: dict[float, list[ReliabilityBin]] = {}
    for part in parts:
        for each in part.bins:
            bins.setdefault(round(each.lower, 6), []).append(each)
    merged = []
    for _, group in sorted(bins.items()):
        n = sum(each.n for each in group)
        merged.append(
            ReliabilityBin(
                lower=group[0].lower,
                upper=group[0].upper,
                n=n,
                confidence=min(1.0, sum(each.n * each.confidence for each in group) / n),
                accuracy=min(1.0, sum(each.n * each.accuracy for each in group) / n),
            )
        )
    total = sum(each.n for each in merged)
    error = sum(each.n * abs(each.confidence - each.accuracy) for each in merged) / total if total else 0.0
    return Calibration(ece=min(1.0, error), bins=merged)


def _views(metrics: Metrics) -> list[tuple[str, str, list[str]]]:
    """Return (key, title, codes): the target languages, all languages, and each language."""
    codes = sorted(metrics.languages, key=lambda code: (code != metrics.source, name(code), code))
    targets = [code for code in codes if code != metrics.source]
    views = [(f"language-{number}", name(code), [code]) for number, code in enumerate(codes)]
    if len(codes) > 1:
        views.insert(0, (ALL, "All languages", codes))
    if 1 < len(targets) < len(codes):
        views.insert(0, (TARGETS, "All targets", targets))
    return views


def _sum(confusions: Sequence[Counts]) -> dict[str, dict[str, int]]:
    total: dict[str, dict[str, int]] = {}
    for counts in confusions:
        for gold, row in counts.items():
            for predicted, n in row.items():
                sums = total.setdefault(gold, {})
                sums[predicted] = sums.get(predicted, 0) + n
    return total


def _label_view(key: str, title: str, counts: Counts, labels: Sequence[str]) -> LabelView:
    rows = []
    for gold in labels:
        row = counts.get(gold, {})
        n, right = sum(row.values()), row.get(gold, 0)
        said = sum(other.get(gold, 0) for other in counts.values())
        cells = [
            Cell(row.get(predicted, 0), row.get(predicted, 0) / n if n else 0.0, _kind(gold, predicted, row))
            for predicted in labels
        ]
        rows.append(
            LabelRow(
                label=gold,
                cells=cells,
                n=n,
                precision=right / said if said else None,
                recall=right / n if n else None,
                f1=2 * right / (n + said) if n + said else None,
            )
        )
    wrong = [(gold, said, n) for gold, row in counts.items() for said, n in row.items() if gold != said and n]
    confusions = sorted(wrong, key=lambda each: (-each[2], each[0], each[1]))
    return LabelView(key, title, rows, confusions[:CONFUSIONS])


def _kind(gold: str, predicted: str, row: Mapping[str, int]) -> str:
    if gold == predicted:
        return "right"
    return "wrong" if row.get(predicted, 0) else ""


def _describe(title: str, found: Calibration) -> str:
    bins = "; ".join(
        f"{each.n} predictions with a mean confidence of {percent(each.confidence)} and an accuracy of "
        f"{percent(each.accuracy)}"
        for each in found.bins
    )
    return f"Reliability plot, {title}: {bins}."
