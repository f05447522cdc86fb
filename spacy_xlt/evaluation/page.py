"""Metrics documents as one self-contained HTML page, and as Markdown."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import Optional

from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.details import Expected
from spacy_xlt.evaluation.document import Metrics
from spacy_xlt.evaluation.page_labels import MATRIX_LABELS, CalibrationView, LabelView, calibration_views, label_views
from spacy_xlt.evaluation.page_view import (
    Browser,
    GroupRow,
    Map,
    alt_text,
    expected_of,
    group_means,
    group_rows,
    make_browser,
    make_detections,
    make_map,
)
from spacy_xlt.evaluation.table import (
    Row,
    escape_markdown,
    interval,
    language_rows,
    markdown_table,
    mean_row,
    percent,
    points,
)
from spacy_xlt.languages import name

HEADING = "Cross-lingual evaluation"


@dataclass(frozen=True)
class Headline:
    """One figure of the summary, formatted."""

    label: str
    value: str
    note: str


@dataclass(frozen=True)
class Section:
    """One metrics document, as the template shows it."""

    title: str
    metrics: Metrics
    source: str
    summary: list[Headline]
    rows: list[Row]
    mean: Optional[Row]
    alt: str
    expected: dict[str, Expected]
    groups: list[tuple[str, list[Row]]]
    means: list[GroupRow]
    labels: list[LabelView]
    calibrations: list[CalibrationView]
    map: Optional[Map]
    browser: Optional[Browser]
    detections: list[tuple[str, str, int]]


def html_page(documents: Sequence[tuple[str, Metrics]], tasks: str = "") -> str:
    """Return a page with plots, a table and an error browser for each document.

    The page loads nothing, and it runs no script but its own: its policy names the hash of that script.

    Args:
        documents: The metrics documents with their titles.
        tasks: Sections of other tasks, as HTML: see `task_sections`.

    Raises:
        XltError: There is no document, or the extra `report` is not installed.
    """
    _check_any(documents)
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError as error:
        raise XltError(
            f"The HTML report needs {error.name}, which is not installed. Run: pip install 'spacy-xlt[report]'"
        ) from error

    # Titles, labels, codes and texts are untrusted. Everything is escaped except the plots, the style and the script.
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(percent=percent, points=points, signed=signed, interval=interval)
    template, style, script = map(_read, ("report.html.jinja", "report.css", "report.js"))
    return environment.from_string(template).render(
        heading=HEADING,
        guide=_guide(documents),
        sections=[_section(title, metrics) for title, metrics in documents],
        matrix_labels=MATRIX_LABELS,
        tasks=tasks,
        style=style,
        script=script,
        script_hash=b64encode(sha256(script.encode("utf-8")).digest()).decode("ascii"),
    )


def markdown_page(documents: Sequence[tuple[str, Metrics]]) -> str:
    """Return a Markdown text with a summary and a table for each document.

    Args:
        documents: The metrics documents with their titles.

    Raises:
        XltError: There is no document.
    """
    _check_any(documents)
    parts = [f"# {HEADING}", " ".join(_guide(documents))]
    for title, metrics in documents:
        summary = [
            f"- {escape_markdown(headline.label)}: **{headline.value}** ({escape_markdown(headline.note)})"
            for headline in _summary(metrics)
        ]
        parts += [f"## {escape_markdown(title)}", "\n".join(summary), markdown_table(metrics).rstrip()]
    return "\n\n".join(part for part in parts if part) + "\n"


def signed(difference: float) -> str:
    """Format a change in percentage points with its sign: 0.031 becomes +3.1."""
    text = points(difference)
    return text if text == "0.0" or not text[0].isdigit() else f"+{text}"


def _check_any(documents: Sequence[tuple[str, Metrics]]) -> None:
    if not documents:
        raise XltError("A report needs at least one metrics document. Evaluate a model first.")


def _read(file: str) -> str:
    """Return a file beside this module. Its line breaks are those of the page, which the hash depends on."""
    return files("spacy_xlt.evaluation").joinpath(file).read_text(encoding="utf-8")


def _section(title: str, metrics: Metrics) -> Section:
    rows = language_rows(metrics)
    return Section(
        title=title,
        metrics=metrics,
        source=name(metrics.source),
        summary=_summary(metrics),
        rows=rows,
        mean=mean_row(metrics),
        alt=alt_text(rows),
        expected=expected_of(metrics),
        groups=group_rows(metrics, rows),
        means=group_means(metrics),
        labels=label_views(metrics),
        calibrations=calibration_views(metrics),
        map=make_map(metrics.details.embedding_map) if metrics.details and metrics.details.embedding_map else None,
        browser=make_browser(metrics),
        detections=make_detections(metrics),
    )


def _summary(metrics: Metrics) -> list[Headline]:
    """Return the most important figures. Figures that this document lacks are left out."""
    rows = language_rows(metrics)
    source = next((row for row in rows if row.is_source), None)
    targets = [row for row in rows if not row.is_source]
    mean = mean_row(metrics)
    headlines = []
    if source:
        headlines.append(
            Headline(f"Source ({source.name})", percent(source.accuracy), interval(source.accuracy_interval))
        )
    if mean and targets:
        count = f"{len(targets)} languages" if len(targets) > 1 else targets[0].name
        headlines.append(Headline("Mean of targets", percent(mean.accuracy), count))
        if mean.gap is not None:
            headlines.append(Headline("Gap to source", points(mean.gap), "points"))
        if mean.before is not None and mean.accuracy is not None:
            gain = signed(mean.accuracy - mean.before)
            headlines.append(Headline("Projection gain", gain, f"points, from {percent(mean.before)}"))
        if len(targets) > 1:
            weakest = min(targets, key=lambda row: row.accuracy or 0.0)
            headlines.append(Headline("Weakest target", percent(weakest.accuracy), weakest.name))
        if mean.langid is not None:
            headlines.append(Headline("Detection", percent(mean.langid), "of languages correct"))
    return headlines


def _guide(documents: Sequence[tuple[str, Metrics]]) -> list[str]:
    """Explain the figures, in paragraphs."""
    multilabel = any(metrics.multilabel for _, metrics in documents)
    correct = "all its labels are correct" if multilabel else "its label is correct"
    paragraphs = [
        "The classifier was trained on labeled text in one language, the source. The other languages are targets. "
        f"Figures are in percent. A document counts towards accuracy if {correct}. Macro-F1 gives every label the "
        "same weight.",
        "The range beside a figure is its 95% confidence interval (Wilson). It shows how much the figure "
        "would vary with other test documents of the same number, n. "
        "The gap is the number of percentage points by which a language is below the source. "
        "Every target has the same weight in a mean, whatever its n.",
    ]
    if any(metrics.before_projection for _, metrics in documents):
        paragraphs.append(
            "“Before projection” is the same classifier on the same documents without the projection of the embeddings "
            "into the source language's space. The projection does not change the source language."
        )
    if any(expected_of(metrics) for _, metrics in documents):
        paragraphs.append(
            "“Expected” is the accuracy that is estimated from the predictions alone, without the labels of the test "
            "documents, with a 90% interval. It shows how far you can trust the estimate where you have no labels."
        )
    return paragraphs
