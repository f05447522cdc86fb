"""Metrics documents as one self-contained HTML page, and as Markdown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Optional

from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.document import Metrics
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
# Two plots: text in one plot for both a desktop and a phone would be too large or too small (inches).
WIDE, NARROW = 8.6, 4.4

# Draws rows in a width in inches; the third argument is the prefix of its ids.
Plot = Callable[[Sequence[Row], float, str], str]


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
    wide_plot: str
    narrow_plot: str


def html_page(documents: Sequence[tuple[str, Metrics]]) -> str:
    """Return a page with a summary, a plot and a table for each document.

    The page loads nothing: it has no scripts, fonts or links to other pages.

    Args:
        documents: The metrics documents with their titles.

    Raises:
        XltError: There is no document, or the extra `report` is not installed.
    """
    _check_any(documents)
    try:
        from jinja2 import Environment, StrictUndefined

        from spacy_xlt.evaluation.plot import dot_plot
    except ImportError as error:
        raise XltError(
            f"The HTML report needs {error.name}, which is not installed. Run: pip install 'spacy-xlt[report]'"
        ) from error

    # Titles, labels and codes are untrusted, so everything is escaped except the plots.
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(percent=percent, points=points, signed=signed, interval=interval)
    template = files("spacy_xlt.evaluation").joinpath("report.html.jinja").read_text(encoding="utf-8")
    sections = [_section(number, title, metrics, dot_plot) for number, (title, metrics) in enumerate(documents, 1)]
    return environment.from_string(template).render(heading=HEADING, guide=_guide(documents), sections=sections)


def markdown_page(documents: Sequence[tuple[str, Metrics]]) -> str:
    """Return a Markdown text with a summary and a table for each document.

    Args:
        documents: The metrics documents with their titles.

    Raises:
        XltError: There is no document.
    """
    _check_any(documents)
    parts = [f"# {HEADING}", _guide(documents)]
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


def _section(number: int, title: str, metrics: Metrics, plot: Plot) -> Section:
    rows = language_rows(metrics)
    return Section(
        title=title,
        metrics=metrics,
        source=name(metrics.source),
        summary=_summary(metrics),
        rows=rows,
        mean=mean_row(metrics),
        alt=_alt_text(rows),
        wide_plot=plot(rows, WIDE, f"wide{number}"),
        narrow_plot=plot(rows, NARROW, f"narrow{number}"),
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


def _guide(documents: Sequence[tuple[str, Metrics]]) -> str:
    """Explain the figures in one paragraph."""
    multilabel = any(metrics.multilabel for _, metrics in documents)
    correct = "all its labels are correct" if multilabel else "its label is correct"
    sentences = [
        "The classifier was trained on labeled text in one language, the source. The other languages are targets.",
        f"Figures are in percent. A document counts towards accuracy if {correct}. Macro-F1 gives every label the "
        "same weight.",
        "The range beside a figure is its 95% confidence interval (percentile bootstrap). It shows how much the figure "
        "would vary with other test documents of the same number, n.",
        "The gap is the number of percentage points by which a language is below the source.",
    ]
    if any(metrics.before_projection for _, metrics in documents):
        sentences.append(
            "“Before projection” is the same classifier on the same documents without the projection of the embeddings "
            "into the source language's space. The projection does not change the source language."
        )
    sentences.append("Every target has the same weight in a mean, whatever its n.")
    return " ".join(sentences)


def _alt_text(rows: Sequence[Row]) -> str:
    def line(row: Row) -> str:
        before = f", {percent(row.before)} before projection" if row.before is not None else ""
        return f"{row.name} {percent(row.accuracy)} ({interval(row.accuracy_interval)}){before}"

    return "Dot plot of accuracy in percent, with 95% intervals. " + "; ".join(map(line, rows)) + "."
