"""The report of an evaluation: the figures as attributes, and as a table, an HTML page, Markdown or JSON."""

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Optional, Union

from rich.console import Console

from spacy_xlt.evaluation.document import Metrics
from spacy_xlt.evaluation.page import html_page, markdown_page
from spacy_xlt.evaluation.seq2seq import Seq2SeqReport
from spacy_xlt.evaluation.table import html_table, print_table
from spacy_xlt.evaluation.task_page import task_page, task_sections
from spacy_xlt.evaluation.task_report import TaskReport
from spacy_xlt.files import whole_file

# A list of numbers with a line for each. A string has no line break in JSON, so none is found inside a text.
NUMBERS = re.compile(r"\[\n(?:\s*-?[\d.e+-]+,?\n)+\s*\]")

PathLike = Union[str, os.PathLike[str]]


class Report(Metrics):
    """The figures of a model for each language. `evaluate` returns it; see `Metrics` for its attributes.

    In a notebook, a report is shown as a table.

    Example:
        >>> report = Report.load("metrics.json")  # doctest: +SKIP
        >>> report.languages["de"].accuracy, report.mean.gap  # doctest: +SKIP
        (0.85, 0.04)
        >>> page = report.to_html("report.html")  # doctest: +SKIP
    """

    def table(self, console: Optional[Console] = None) -> None:
        """Print the figures as a table.

        Args:
            console: Where to print. The default is the standard output.
        """
        print_table(self, console)

    def to_html(self, path: Optional[PathLike] = None) -> str:
        """Return the report as a self-contained HTML page with plots, tables and an error browser.

        The page contains texts only if the report has `examples`: see `evaluate`.

        Args:
            path: If given, the page is also written to this file.

        Raises:
            XltError: The extra `report` is not installed, or the file cannot be written.
        """
        return _write(html_page([(self.model, self)]), path)

    def to_markdown(self, path: Optional[PathLike] = None) -> str:
        """Return the report as Markdown, with a summary and a table.

        Args:
            path: If given, the text is also written to this file.

        Raises:
            XltError: The file cannot be written.
        """
        return _write(markdown_page([(self.model, self)]), path)

    def to_json(self, path: PathLike) -> None:
        """Write the metrics document to a JSON file. `Report.load` reads it.

        Args:
            path: The file to write.

        Raises:
            XltError: The file cannot be written.
        """
        text = json.dumps(self.to_dict(), ensure_ascii=False, indent=2)
        _write(NUMBERS.sub(lambda numbers: " ".join(numbers.group().split()), text) + "\n", path)

    def _repr_html_(self) -> str:
        return html_table(self)


def write_report(
    reports: Sequence[Union[Report, TaskReport, PathLike]], html: PathLike, markdown: Optional[PathLike] = None
) -> None:
    """Write one HTML page that compares the reports of several models.

    Args:
        reports: Reports of any tasks, or their metrics files.
        html: The HTML page to write.
        markdown: If given, the tables of text classification are also written to this Markdown file.

    Raises:
        XltError: There is no report, a metrics file is invalid, the extra `report` is not installed, or a file cannot
            be written.
    """
    loaded = [(report, _for_page(report)) for report in reports]
    tasks = [report for _, report in loaded if isinstance(report, TaskReport)]
    reports = [origin for origin, report in loaded if isinstance(report, Report)]
    documents = [report for _, report in loaded if isinstance(report, Report)]
    if tasks and not documents:
        _write(task_page(tasks), html)
        return
    models = [document.model for document in documents]
    titled = [
        (
            document.model if models.count(document.model) == 1 else f"{document.model} ({_origin(report, number)})",
            document,
        )
        for number, (report, document) in enumerate(zip(reports, documents), 1)
    ]
    page = html_page(titled, task_sections(tasks))
    _write(page, html)
    if markdown is not None:
        _write(markdown_page(titled), markdown)


def load_report(path: PathLike) -> Union[Report, TaskReport, Seq2SeqReport]:
    """Read a metrics file of any task.

    Raises:
        XltError: It is missing or invalid.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        # `Report.load` says what is wrong.
        return Report.load(path)
    fields = content if isinstance(content, dict) else {}
    if "pairs" in fields:
        return Seq2SeqReport.load(path)
    return TaskReport.load(path) if "main" in fields else Report.parse(content, os.fspath(path))


def _for_page(report: Union[Report, TaskReport, PathLike]) -> Union[Report, TaskReport]:
    found = report if isinstance(report, (Report, TaskReport)) else load_report(report)
    return found.to_task_report() if isinstance(found, Seq2SeqReport) else found


def _origin(report: Union[Report, TaskReport, PathLike], number: int) -> str:
    """Return what distinguishes a report from another one of the same model: its file, or its number."""
    return str(number) if isinstance(report, (Report, TaskReport)) else os.fspath(report)


def _write(text: str, path: Optional[PathLike]) -> str:
    if path is not None:
        with whole_file(Path(path)) as scratch:
            scratch.write_text(text, encoding="utf-8", errors="replace", newline="\n")
    return text
