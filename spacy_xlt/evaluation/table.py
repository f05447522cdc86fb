"""The figures of a metrics document as a table: for a terminal, for Markdown, and for a notebook.

Figures are shown in percent with one digit, as spaCy's own tables show scores.
"""

import re
from collections.abc import Collection, Sequence
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
    print_cells(
        _heads(metrics, before="Before", detected="Lang.\nid"),
        _cells(metrics),
        title=_title(metrics),
        caption=_caption(metrics),
        console=console,
        mean_last=bool(metrics.mean.languages),
    )


def markdown_table(metrics: Metrics) -> str:
    """Return the table in GitHub's Markdown. It ends with a line break."""
    lines = [[escape_markdown(cell) for cell in line] for line in _cells(metrics)]
    heads = _heads(metrics)
    rule = ["---", *["---:"] * (len(heads) - 1)]
    return "".join(f"| {' | '.join(line)} |\n" for line in [heads, rule, *lines])


def html_table(metrics: Metrics) -> str:
    """Return the table as an HTML fragment, for a notebook."""

    heads = _heads(metrics, before="Before", detected="Lang. id")
    return html_cells(heads, _cells(metrics), caption=f"{_title(metrics)}. {_caption(metrics)}")


def print_cells(
    heads: Sequence[str],
    lines: Sequence[Sequence[str]],
    *,
    title: str,
    caption: str,
    console: Optional[Console] = None,
    words: Collection[int] = (0,),
    mean_last: bool = False,
) -> None:
    """Print a table to the terminal.

    Args:
        heads: The heads of the columns.
        lines: The cells of each line.
        title: The sentence above the table.
        caption: The sentences below the table.
        console: Where to print. The default is the standard output.
        words: The columns that hold words. The others hold numbers.
        mean_last: Draw a rule before the last line.
    """
    console = console or Console()
    # Names are untrusted. In a str, rich would read "[red]" as markup; in a Text it does not.
    table = Table(
        title=Text(encodable(title, console)),
        caption=Text(encodable(caption, console)),
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 0, 0, 1),  # fits 80 columns
    )
    for column, head in enumerate(heads):
        table.add_column(Text(head), justify="left" if column in words else "right", no_wrap=column not in words)
    for line in lines:
        table.add_row(*(Text(encodable(cell, console)) for cell in line))
    if mean_last and len(lines) > 1:
        table.rows[-2].end_section = True
    console.print(table)


def html_cells(heads: Sequence[str], lines: Sequence[Sequence[str]], *, caption: str) -> str:
    """Return a table as an HTML fragment, for a notebook.

    Args:
        heads: The heads of the columns.
        lines: The cells of each line.
        caption: The caption of the table.
    """

    def row(cells: Sequence[str], tag: str) -> str:
        return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"

    body = "\n".join(row(line, "td") for line in lines)
    return (
        f"<table>\n<caption>{escape(caption)}</caption>\n"
        f"<thead>{row(heads, 'th')}</thead>\n<tbody>\n{body}\n</tbody>\n</table>"
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
