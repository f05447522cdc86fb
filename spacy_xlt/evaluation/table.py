"""The figures of a metrics document as a table: for a terminal, for Markdown, and for a notebook.

Figures are shown in percent with one digit, as spaCy's own tables show scores.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Optional

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from spacy_xlt.evaluation.document import LanguageFigures, Metrics
from spacy_xlt.languages import name

NOTHING = "–"

Interval = tuple[float, float]


@dataclass(frozen=True)
class Row:
    """One row of the table. Figures are shares from 0 to 1, or None where there is no figure."""

    name: str
    code: str
    is_source: bool
    n: Optional[int]
    accuracy: Optional[float]
    accuracy_interval: Optional[Interval]
    macro_f1: Optional[float]
    macro_f1_interval: Optional[Interval]
    gap: Optional[float]
    before: Optional[float]
    before_interval: Optional[Interval]
    langid: Optional[float]

    @property
    def title(self) -> str:
        return f"{self.name} ({self.code})" if self.code and self.code != self.name else self.name


def language_rows(metrics: Metrics) -> list[Row]:
    """Return one row for each language: the source language first, then the others by name."""
    before = metrics.before_projection.languages if metrics.before_projection else {}
    rows = [
        _language_row(code, figures, before.get(code), is_source=code == metrics.source)
        for code, figures in metrics.languages.items()
    ]
    return sorted(rows, key=lambda row: (not row.is_source, row.name, row.code))


def mean_row(metrics: Metrics) -> Optional[Row]:
    """Return the mean of the target languages, or None if there is no target language."""
    mean = metrics.mean
    if not mean.languages:
        return None
    return Row(
        name="Mean of targets",
        code="",
        is_source=False,
        n=None,
        accuracy=mean.accuracy,
        accuracy_interval=None,
        macro_f1=mean.macro_f1,
        macro_f1_interval=None,
        gap=mean.gap,
        before=metrics.before_projection.mean.accuracy if metrics.before_projection else None,
        before_interval=None,
        langid=mean.langid_accuracy,
    )


def print_table(metrics: Metrics, console: Optional[Console] = None) -> None:
    """Print the table to the terminal.

    Args:
        metrics: The metrics document.
        console: Where to print. The default is the standard output.
    """
    console = console or Console()

    def text(content: str) -> Text:
        # Names are untrusted. In a str, rich would read "[red]" as markup; in a Text it does not.
        return Text(encodable(content, console))

    table = Table(
        title=text(_title(metrics)),
        caption=text(_caption(metrics)),
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 0, 0, 1),  # fits 80 columns
    )
    for column, head in enumerate(_heads(metrics, before="Before", detected="Lang.\nid")):
        table.add_column(Text(head), justify="right" if column else "left", no_wrap=column > 0)
    for line in _cells(metrics):
        table.add_row(*map(text, line))
    if metrics.mean.languages:
        table.rows[-2].end_section = True
    console.print(table)


def markdown_table(metrics: Metrics) -> str:
    """Return the table in GitHub's Markdown. It ends with a line break."""
    lines = [[escape_markdown(cell) for cell in line] for line in _cells(metrics)]
    heads = _heads(metrics)
    rule = ["---", *["---:"] * (len(heads) - 1)]
    return "".join(f"| {' | '.join(line)} |\n" for line in [heads, rule, *lines])


def html_table(metrics: Metrics) -> str:
    """Return the table as an HTML fragment, for a notebook."""

    def row(cells: Sequence[str], tag: str) -> str:
        return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"

    head = row(_heads(metrics, before="Before", detected="Lang. id"), "th")
    body = "\n".join(row(line, "td") for line in _cells(metrics))
    return (
        f"<table>\n<caption>{escape(_title(metrics))}. {escape(_caption(metrics))}</caption>\n"
        f"<thead>{head}</thead>\n<tbody>\n{body}\n</tbody>\n</table>"
    )


def escape_markdown(text: str) -> str:
    """Escape a text so that Markdown shows it as it is, on one line."""
    return re.sub(r"([\\`*_\[\]<>|&~#!$])", r"\\\1", one_line(text))


def percent(share: Optional[float]) -> str:
    """Format a share: 0.9012 becomes 90.1."""
    return NOTHING if share is None else f"{100 * share:.1f}"


def points(difference: Optional[float]) -> str:
    """Format a difference of two shares in percentage points: -0.031 becomes −3.1."""
    if difference is None:
        return NOTHING
    rounded = round(100 * difference, 1) + 0.0  # Adding 0.0 turns -0.0 into 0.0.
    return f"{rounded:.1f}".replace("-", "\N{MINUS SIGN}")


def interval(bounds: Optional[Interval]) -> str:
    """Format an interval: (0.846, 0.952) becomes 84.6–95.2."""
    return "" if bounds is None else f"{percent(bounds[0])}–{percent(bounds[1])}"


def encodable(text: str, console: Console) -> str:
    """Replace the characters that the console's encoding lacks. For example, some Windows code pages lack `−`."""
    if not console.options.ascii_only:
        return text
    plain = text.translate({ord(NOTHING): "-", ord("\N{MINUS SIGN}"): "-"})
    return plain.encode(console.encoding, "replace").decode(console.encoding)


def one_line(text: str) -> str:
    """Replace line breaks and control characters with spaces. A terminal would interpret them."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _language_row(code: str, figures: LanguageFigures, before: Optional[LanguageFigures], is_source: bool) -> Row:
    return Row(
        name=one_line(name(code)),
        code=one_line(code),
        is_source=is_source,
        n=figures.n,
        accuracy=figures.accuracy,
        accuracy_interval=figures.ci95,
        macro_f1=figures.macro_f1,
        macro_f1_interval=figures.macro_f1_ci95,
        gap=None if is_source else figures.gap,
        before=before.accuracy if before else None,
        before_interval=before.ci95 if before else None,
        langid=figures.langid_accuracy,
    )


def _heads(metrics: Metrics, before: str = "Before projection", detected: str = "Language detected") -> list[str]:
    shown = [before] if metrics.before_projection else []
    return ["Language", "n", "Accuracy", "Macro-F1", "Gap", *shown, detected]


def _cells(metrics: Metrics) -> list[list[str]]:
    """Return the cells of the table as plain text: the languages, then the mean."""
    rows = language_rows(metrics)
    mean = mean_row(metrics)
    if mean:
        rows.append(mean)
    return [
        [
            row.title,
            "" if row.n is None else str(row.n),
            _with_interval(row.accuracy, row.accuracy_interval),
            _with_interval(row.macro_f1, row.macro_f1_interval),
            points(row.gap),
            *([percent(row.before)] if metrics.before_projection else []),
            percent(row.langid),
        ]
        for row in rows
    ]


def _with_interval(share: Optional[float], bounds: Optional[Interval]) -> str:
    return f"{percent(share)} ({interval(bounds)})" if bounds else percent(share)


def _title(metrics: Metrics) -> str:
    return f"{one_line(metrics.model)}, {metrics.n} documents"


def _caption(metrics: Metrics) -> str:
    sentences = ["Percent, with 95% intervals. Gap: points below the source."]
    if metrics.before_projection:
        sentences.append("Before: accuracy before the projection.")
    sentences.append("Lang. id: documents whose language was detected correctly.")
    return " ".join(sentences)
