"""A metrics document as a table: rows of figures, and those rows for a terminal and for Markdown.

Figures are shown in percent with one digit, as spaCy's own tables show scores.
"""

import re
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from spacy_xlt.evaluation.document import check_document
from spacy_xlt.languages import name

NOTHING = "–"

Pair = tuple[float, float]


@dataclass(frozen=True)
class Row:
    """One line of the table; figures are shares from 0 to 1, None where there is none."""

    name: str
    code: str
    is_source: bool
    n: int | None
    accuracy: float | None
    accuracy_interval: Pair | None
    macro_f1: float | None
    macro_f1_interval: Pair | None
    gap: float | None
    before: float | None
    before_interval: Pair | None
    langid: float | None

    @property
    def title(self) -> str:
        return f"{self.name} ({self.code})" if self.code and self.code != self.name else self.name


def has_before(metrics: dict[str, Any]) -> bool:
    """Whether the document has figures from before the projection."""
    return metrics.get("before_projection") is not None


def language_rows(metrics: dict[str, Any]) -> list[Row]:
    """One row for each language: the source first, then the others by name. Raises XltError for a wrong document."""
    check_document(metrics, "the argument 'metrics'")
    before = metrics["before_projection"]["languages"] if has_before(metrics) else {}
    rows = [
        _language_row(code, figures, before.get(code), is_source=code == metrics["source"])
        for code, figures in metrics["languages"].items()
    ]
    return sorted(rows, key=lambda row: (not row.is_source, row.name, row.code))


def mean_row(metrics: dict[str, Any]) -> Row | None:
    """The mean of the targets; None if the document has no target."""
    mean = metrics["mean"]
    if not mean["languages"]:
        return None
    return Row(
        name="Mean of targets",
        code="",
        is_source=False,
        n=None,
        accuracy=mean["accuracy"],
        accuracy_interval=None,
        macro_f1=mean["macro_f1"],
        macro_f1_interval=None,
        gap=mean["gap"],
        before=metrics["before_projection"]["mean"]["accuracy"] if has_before(metrics) else None,
        before_interval=None,
        langid=mean["langid_accuracy"],
    )


def print_table(metrics: dict[str, Any], console: Console | None = None) -> None:
    """Print the table of a metrics document. Raises XltError for a wrong document."""
    lines = _cells(metrics)
    console = console or Console()

    def text(content: str) -> Text:
        # Text, not str: names are untrusted, and rich would read "[red]" in a str as markup.
        return Text(encodable(content, console))

    table = Table(
        title=text(f"{one_line(metrics['model'])}, {metrics['n']} documents"),
        caption=text(_caption(metrics)),
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 0, 0, 1),  # fits 80 columns
    )
    before = ["Before"] if has_before(metrics) else []
    for column, head in enumerate(["Language", "n", "Accuracy", "Macro-F1", "Gap", *before, "Lang.\nid"]):
        table.add_column(Text(head), justify="right" if column else "left", no_wrap=column > 0)
    for line in lines:
        table.add_row(*map(text, line))
    if metrics["mean"]["languages"]:
        table.rows[-2].end_section = True
    console.print(table)


def markdown_table(metrics: dict[str, Any]) -> str:
    """The table of a metrics document in Markdown (GitHub's), with a line break at the end.

    Raises XltError for a wrong document.
    """
    lines = [[escape_markdown(cell) for cell in line] for line in _cells(metrics)]
    before = ["Before projection"] if has_before(metrics) else []
    header = ["Language", "n", "Accuracy", "Macro-F1", "Gap", *before, "Language detected"]
    rules = ["---", *["---:"] * (len(header) - 1)]
    return "".join(f"| {' | '.join(line)} |\n" for line in [header, rules, *lines])


def escape_markdown(text: str) -> str:
    """The text as one line that Markdown shows as it is: no table cell, link, HTML or emphasis begins in it."""
    return re.sub(r"([\\`*_\[\]<>|&~#!$])", r"\\\1", one_line(text))


def percent(share: float | None) -> str:
    """0.9012 -> 90.1"""
    return NOTHING if share is None else f"{100 * share:.1f}"


def points(difference: float | None) -> str:
    """0.031 -> 3.1, -0.031 -> −3.1: a difference of two shares in percentage points."""
    if difference is None:
        return NOTHING
    rounded = round(100 * difference, 1) + 0.0  # no "-0.0"
    return f"{rounded:.1f}".replace("-", "\N{MINUS SIGN}")


def interval(bounds: Pair | None) -> str:
    """(0.846, 0.952) -> 84.6–95.2"""
    return "" if bounds is None else f"{percent(bounds[0])}–{percent(bounds[1])}"


def _language_row(code: str, figures: dict[str, Any], before: dict[str, Any] | None, is_source: bool) -> Row:
    return Row(
        name=one_line(name(code)),
        code=one_line(code),
        is_source=is_source,
        n=figures["n"],
        accuracy=figures["accuracy"],
        accuracy_interval=_pair(figures["ci95"]),
        macro_f1=figures["macro_f1"],
        macro_f1_interval=_pair(figures["macro_f1_ci95"]),
        gap=None if is_source else figures["gap"],
        before=before["accuracy"] if before else None,
        before_interval=_pair(before["ci95"]) if before else None,
        langid=figures["langid_accuracy"],
    )


def _pair(bounds: list[float]) -> Pair:
    return bounds[0], bounds[1]


def _cells(metrics: dict[str, Any]) -> list[list[str]]:
    """The lines of the table as plain text: languages, then the mean."""
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
            *([percent(row.before)] if has_before(metrics) else []),
            percent(row.langid),
        ]
        for row in rows
    ]


def _with_interval(share: float | None, bounds: Pair | None) -> str:
    return f"{percent(share)} ({interval(bounds)})" if bounds else percent(share)


def _caption(metrics: dict[str, Any]) -> str:
    sentences = ["Percent, with 95% intervals. Gap: points below the source."]
    if has_before(metrics):
        sentences.append("Before: accuracy before the projection.")
    sentences.append("Lang. id: documents whose language was detected correctly.")
    return " ".join(sentences)


def encodable(text: str, console: Console) -> str:
    """The text in characters that the console's encoding has (Windows' code pages lack the minus sign, for one)."""
    if not console.options.ascii_only:
        return text
    plain = text.translate({ord(NOTHING): "-", ord("\N{MINUS SIGN}"): "-"})
    return plain.encode(console.encoding, "replace").decode(console.encoding)


def one_line(text: str) -> str:
    """Line breaks and control characters (a terminal would obey them) become spaces."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
