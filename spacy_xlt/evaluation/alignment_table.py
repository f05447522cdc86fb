"""Tables of the figures of `evaluate_alignment` and `align_vectors`. Shares are shown in percent."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Optional

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from spacy_xlt.evaluation.table import NOTHING, encodable, one_line, percent
from spacy_xlt.languages import name

Figures = dict[str, Any]
# The head of a column, the keys that lead to its figure, and the function that formats it.
Column = tuple[str, tuple[str, ...], Callable[[Optional[float]], str]]


def _decimal(value: Optional[float]) -> str:
    return NOTHING if value is None else f"{value:.3f}"


WORDS: tuple[Column, ...] = (
    ("P@1 cosine", ("cosine", "p@1"), percent),
    ("P@1 CSLS", ("csls", "p@1"), percent),
    ("P@5", ("csls", "p@5"), percent),
    ("P@10", ("csls", "p@10"), percent),
    ("MRR", ("csls", "mrr"), percent),
)
SENTENCES: tuple[Column, ...] = (
    ("to source, cosine", ("cosine", "to_source"), percent),
    ("from source, cosine", ("cosine", "from_source"), percent),
    ("to source, CSLS", ("csls", "to_source"), percent),
    ("from source, CSLS", ("csls", "from_source"), percent),
)
TEXTS: tuple[Column, ...] = (
    ("separability", ("separability",), percent),
    ("mean CSLS", ("mean_csls",), _decimal),
    ("hubness", ("hubness",), _decimal),
)
TABLES = {
    "words": (
        WORDS,
        "Translations of words",
        "Percent of the source words whose translation is the nearest word (P@1) or among the nearest 5 or 10. "
        "P@5, P@10 and MRR use CSLS.",
    ),
    "sentences": (
        SENTENCES,
        "Translations of sentences",
        "Percent of the sentences whose nearest neighbor in the other language is a translation.",
    ),
    "texts": (
        TEXTS,
        "Texts",
        "Separability: accuracy of a linear probe that predicts the language. 50 is chance, and lower is better. "
        "Mean CSLS of the mutual nearest neighbors: higher is better. Hubness: lower is better.",
    ),
}


def print_alignment(document: Figures, console: Optional[Console] = None) -> None:
    """Print the figures of `evaluate_alignment`: one table each for words, sentences and texts.

    Args:
        document: The figures, with the name of the "model".
        console: Where to print. The default is the standard output.
    """
    console = console or Console()
    for kind, (columns, title, caption) in TABLES.items():
        if kind in document["mean"]:
            two = "after" in document["mean"][kind]
            legend = f"{caption} Before / after projection." if two else caption
            heads = ["Language", *(head for head, _, _ in columns)]
            lines = list(_lines(document, kind, columns))
            _print(console, f"{title}: {document['model']}", heads, lines, legend)
    unfitted = [code for code, figures in document["languages"].items() if figures["fitted"] is False]
    if unfitted and any("after" in figures for figures in document["mean"].values()):
        console.print(
            _text(f"The projector was not fitted on {', '.join(unfitted)}, so the pooled mean was used.", console)
        )


def print_vectors(figures: Figures, console: Optional[Console] = None) -> None:
    """Print the figures of `align_vectors`.

    Args:
        figures: The figures.
        console: Where to print. The default is the standard output.
    """
    console = console or Console()
    evaluation, space = figures["evaluation"], figures["space"]
    caption = " ".join(
        f"{title} {_decimal(space['before'][key])} before, {_decimal(space['after'][key])} after."
        for key, title in (("mean_csls", "Mean CSLS"), ("hubness", "Hubness"))
    )
    if evaluation is None:
        console.print(_text(f"There is no dictionary to evaluate on. {caption}", console))
        return
    lines = [
        [title, *(percent(evaluation[metric][key]) for key in ("p@1", "p@5", "p@10", "mrr"))]
        for metric, title in (("cosine", "cosine"), ("csls", "CSLS"))
    ]
    title = f"{evaluation['words']} held-out words of {evaluation['path']}"
    coverage = f"{percent(evaluation['coverage'])}% of its held-out words have vectors on both sides."
    _print(console, title, [figures["aligner"], "P@1", "P@5", "P@10", "MRR"], lines, f"{coverage} {caption}")


def _lines(document: Figures, kind: str, columns: Sequence[Column]) -> Iterator[list[str]]:
    for code, figures in document["languages"].items():
        if kind in figures:
            yield [f"{name(code)} ({code})", *_cells(figures[kind], columns)]
    yield ["Mean", *_cells(document["mean"][kind], columns)]


def _cells(stages: Figures, columns: Sequence[Column]) -> list[str]:
    return [
        " / ".join(show(_get(stages[stage], path)) for stage in ("before", "after") if stage in stages)
        for _, path, show in columns
    ]


def _get(figures: Figures, path: Sequence[str]) -> float:
    value: Any = figures
    for key in path:
        value = value[key]
    return float(value)


def _print(console: Console, title: str, heads: Sequence[str], lines: Sequence[Sequence[str]], caption: str) -> None:
    # The title and the caption are separate lines because a table would wrap them to its own width.
    console.print(_text(title, console), soft_wrap=True)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 0, 0, 1))
    for column, head in enumerate(heads):
        table.add_column(Text(head), justify="right" if column else "left")
    for line in lines:
        table.add_row(*(_text(cell, console) for cell in line))
    console.print(table)
    console.print(_text(caption, console))


def _text(content: str, console: Console) -> Text:
    # Names are untrusted. In a str, rich would read "[red]" as markup; in a Text it does not.
    return Text(encodable(one_line(content), console))
