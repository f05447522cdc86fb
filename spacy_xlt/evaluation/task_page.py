"""Reports of tasks other than text classification as HTML: sections of a page, and a page of their own."""

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from spacy_xlt.evaluation.table import html_cells, percent

if TYPE_CHECKING:
    from spacy_xlt.evaluation.task_report import TaskReport

# The names of the tasks on a page.
TITLES = {"ner": "Named entities", "qa": "Question answering", "seq2seq": "Translation and generation"}


def title_of(report: "TaskReport") -> str:
    """Return the title of a report: the task and the model."""
    return f"{TITLES.get(report.task, report.task)}: {report.model}"


def task_sections(reports: "Sequence[TaskReport]") -> str:
    """Return a section for each report: a bar and a line of figures for each language."""
    return "\n".join(_section(report, number) for number, report in enumerate(reports, start=1))


def task_page(reports: "Sequence[TaskReport]") -> str:
    """Return a self-contained page for reports. It loads nothing and runs no script."""
    style = files("spacy_xlt.evaluation").joinpath("report.css").read_text(encoding="utf-8")
    title = escape(title_of(reports[0]) if len(reports) == 1 else f"{len(reports)} models")
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f"<title>{title}</title>\n<style>\n{style}\n</style>\n</head>\n<body>\n"
        f'<header><p class="eyebrow">Cross-lingual evaluation</p><h1>{title}</h1></header>\n'
        f'<main id="content">\n{task_sections(reports)}\n</main>\n'
        '<footer aria-labelledby="guide"><h2 id="guide">How to read this</h2>'
        "<p>The model was trained in one language, the source. Figures are in percent. The range beside a figure is "
        "its 95% confidence interval: it shows how much the figure would vary with other test texts of the same "
        "number, n. "
        "Every target language has the same weight in a mean.</p>"
        "<p>Made by <code>spacy_xlt</code>. This page holds everything it shows and loads nothing.</p></footer>\n"
        "</body>\n</html>\n"
    )


def _section(report: "TaskReport", number: int) -> str:
    heads, *lines = report.cells()
    name = f"task-{number}"
    speed = f" Speed: <b>{report.docs_per_second:.1f}</b> texts per second." if report.docs_per_second else ""
    table = html_cells(heads, lines, caption="All figures, in percent")
    parts = [
        f'<section class="card" aria-labelledby="{name}">',
        f'<h2 class="title" id="{name}">{escape(title_of(report))}</h2>',
        f'<p class="facts">The bars show {escape(report.main)}.{speed}</p>',
        '<div class="bars">',
        *(_bar(report, code, title) for code, title in report.titles()),
        "</div>",
        f'<div class="scroll" role="group" aria-labelledby="{name}" tabindex="0">',
        table,
        "</div>\n</section>",
    ]
    return "\n".join(parts)


def _bar(report: "TaskReport", code: str, title: str) -> str:
    figures = report.languages[code]
    share, ends = figures.scores[report.main], figures.ci95.get(report.main)
    tag = ' <small class="tag">source</small>' if code == report.source else ""
    span = ""
    if ends:
        span = f'<div class="range" style="left:{percent(ends[0])}%;right:{percent(1 - ends[1])}%"></div>'
    return (
        f'<div class="bar"><div class="who">{escape(title)}{tag}</div><div class="track">'
        f'<div class="fill" style="width:{percent(share)}%"></div>{span}</div>'
        f'<div class="figure"><b>{percent(share)}</b></div></div>'
    )
