"""The report: metrics documents as one self-contained HTML page, and as Markdown."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.document import check_document
from spacy_xlt.evaluation.table import (
    Row,
    escape_markdown,
    has_before,
    interval,
    language_rows,
    markdown_table,
    mean_row,
    percent,
    points,
)
from spacy_xlt.languages import name

Metrics = dict[str, Any]

HEADING = "Cross-lingual evaluation"
# Two drawings, because text in one that fits both a desk and a phone would be too large or too small (inches).
WIDE, NARROW = 8.6, 4.4


@dataclass(frozen=True)
class Figure:
    """One figure of the summary, ready to show."""

    label: str
    value: str
    note: str


@dataclass(frozen=True)
class Section:
    """One metrics document as the template shows it."""

    title: str
    metrics: Metrics
    source: str
    summary: list[Figure]
    rows: list[Row]
    mean: Row | None
    with_before: bool
    alt: str
    wide_plot: str
    narrow_plot: str


def write_report(metrics: Metrics | Sequence[tuple[str, Metrics]], html: Path, markdown: Path | None = None) -> None:
    """Write the report of one metrics document, or of several, each with its title.

    The page needs nothing but itself: no script, font or address. Files are replaced as a whole. Raises XltError for a
    wrong document, for a place that can't be written, and if the extra `report` isn't installed.
    """
    if isinstance(metrics, dict):
        check_document(metrics, "the argument 'metrics'")
        metrics = [(metrics["model"], metrics)]
    documents = list(metrics)
    if not documents:
        raise XltError("a report needs at least one metrics document; write one with 'python -m spacy xlt evaluate'")
    for title, document in documents:
        check_document(document, title)
    page = _html_report(documents)
    _write_whole(html, page)
    if markdown is not None:
        _write_whole(markdown, _markdown_report(documents))


def _html_report(documents: Sequence[tuple[str, Metrics]]) -> str:
    try:
        from jinja2 import Environment, StrictUndefined

        from spacy_xlt.evaluation.plot import dot_plot
    except ImportError as error:
        raise XltError(
            f"a report needs {error.name}, which is not installed; pip install 'spacy-xlt[report]'"
        ) from error

    # Titles, labels and codes come from files of anyone: everything is escaped but the drawings that we make.
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(percent=percent, points=points, signed=signed, interval=interval)
    template = files("spacy_xlt.evaluation").joinpath("report.html.jinja").read_text(encoding="utf-8")
    sections = [_section(number, title, metrics, dot_plot) for number, (title, metrics) in enumerate(documents, 1)]
    return environment.from_string(template).render(heading=HEADING, guide=_guide(documents), sections=sections)


def _section(number: int, title: str, metrics: Metrics, plot: Callable[[Sequence[Row], float, str], str]) -> Section:
    rows = language_rows(metrics)
    return Section(
        title=title,
        metrics=metrics,
        source=name(metrics["source"]),
        summary=_summary(metrics),
        rows=rows,
        mean=mean_row(metrics),
        with_before=has_before(metrics),
        alt=_alt_text(rows),
        wide_plot=plot(rows, WIDE, f"wide{number}"),
        narrow_plot=plot(rows, NARROW, f"narrow{number}"),
    )


def _summary(metrics: Metrics) -> list[Figure]:
    """The figures to see first; those that this document hasn't are left out."""
    rows = language_rows(metrics)
    source = next((row for row in rows if row.is_source), None)
    targets = [row for row in rows if not row.is_source]
    mean = mean_row(metrics)
    figures = []
    if source:
        figures.append(Figure(f"Source ({source.name})", percent(source.accuracy), interval(source.accuracy_interval)))
    if mean and targets:
        count = f"{len(targets)} languages" if len(targets) > 1 else targets[0].name
        figures.append(Figure("Mean of targets", percent(mean.accuracy), count))
        if mean.gap is not None:
            figures.append(Figure("Gap to source", points(mean.gap), "points"))
        if mean.before is not None and mean.accuracy is not None:
            gain = signed(mean.accuracy - mean.before)
            figures.append(Figure("Projection gain", gain, f"points, from {percent(mean.before)}"))
        if len(targets) > 1:
            weakest = min(targets, key=lambda row: row.accuracy or 0.0)
            figures.append(Figure("Weakest target", percent(weakest.accuracy), weakest.name))
        if mean.langid is not None:
            figures.append(Figure("Detection", percent(mean.langid), "of languages right"))
    return figures


def _guide(documents: Sequence[tuple[str, Metrics]]) -> str:
    """How to read the figures, in one paragraph."""
    right = "its label is right"
    if any(metrics["multilabel"] for _, metrics in documents):
        right = "its label is right (of several labels: all of them)"
    sentences = [
        "The classifier learned from labelled text of one language, the source; the other languages are targets.",
        f"Figures are in percent. Accuracy counts a document if {right}; macro-F1 gives every label the same weight.",
        "The range beside a figure is its 95% interval: where it would mostly lie with other test documents of the "
        "same number, n (percentile bootstrap).",
        "The gap is how many points of accuracy a language lies below the source.",
    ]
    if any(has_before(metrics) for _, metrics in documents):
        sentences.append(
            "Before projection means the same classifier on the same documents, but with embeddings that are not yet "
            "moved into the source's space; the source itself is never moved."
        )
    sentences.append("A mean counts every target once, whatever its n.")
    return " ".join(sentences)


def _alt_text(rows: Sequence[Row]) -> str:
    def line(row: Row) -> str:
        before = f", {percent(row.before)} before projection" if row.before is not None else ""
        return f"{row.name} {percent(row.accuracy)} ({interval(row.accuracy_interval)}){before}"

    return "Dot plot of accuracy in percent, with 95% intervals. " + "; ".join(map(line, rows)) + "."


def _markdown_report(documents: Sequence[tuple[str, Metrics]]) -> str:
    parts = [f"# {HEADING}", _guide(documents)]
    for title, metrics in documents:
        summary = [
            f"- {escape_markdown(figure.label)}: **{figure.value}** ({escape_markdown(figure.note)})"
            for figure in _summary(metrics)
        ]
        parts += [f"## {escape_markdown(title)}", "\n".join(summary), markdown_table(metrics).rstrip()]
    return "\n\n".join(part for part in parts if part) + "\n"


def signed(difference: float) -> str:
    """0.031 -> +3.1: a change in percentage points, with its sign."""
    text = points(difference)
    return text if text == "0.0" or not text[0].isdigit() else f"+{text}"


def _write_whole(path: Path, text: str) -> None:
    """Write beside the place, then move: whoever reads `path` sees the old file or the new one, never a half."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            beside.write_text(text, encoding="utf-8", errors="replace", newline="\n")
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise XltError(f"{path} can't be written ({error.strerror}); give another place") from error
